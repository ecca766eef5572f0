// What somebody typed and photographed is in the phone's database before the
// page shows it, and leaves it only when the hub has it.
import { reactive } from 'vue'
import { ask, Refusal, type Place } from './hub'

export interface Draft {
  id: string
  service: string
  words: string
  phone: string
  danger: boolean
  place?: Place
  accuracy?: number
  same?: string
  photos: { id: string; blob: Blob; at: number }[]
  state: 'draft' | 'queued' | 'sent'
  code?: string
  number?: string
}

export interface Known { code: string; service: string; at: number }

const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => ('0' + b.toString(16)).slice(-2)).join('')
const fresh = (): Draft => ({ id: randomId(), service: '', words: '', phone: '', danger: false, photos: [], state: 'draft' })

export const draft = reactive<Draft>(fresh())
export const status = reactive({ loaded: false, sending: false, offline: !navigator.onLine, fault: '', photoFault: '' })
export const known = reactive<Known[]>([])

function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('gridhub-public', 1)
    request.onupgradeneeded = () => { request.result.createObjectStore('kept') }
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

let opened: Promise<IDBDatabase> | undefined

async function write(key: string, value: unknown): Promise<void> {
  const db = await (opened = opened ?? database())
  await new Promise<void>((resolve, reject) => {
    const t = db.transaction('kept', 'readwrite')
    t.objectStore('kept').put(value, key)
    t.oncomplete = () => resolve()
    t.onerror = t.onabort = () => reject(t.error)
  })
}

async function read<T>(key: string): Promise<T | undefined> {
  const db = await (opened = opened ?? database())
  return new Promise((resolve, reject) => {
    const r = db.transaction('kept').objectStore('kept').get(key)
    r.onsuccess = () => resolve(r.result as T)
    r.onerror = () => reject(r.error)
  })
}

/** plain copies what is reactive, so that the database takes it. */
const plain = (): Draft => ({ ...draft, place: draft.place && { ...draft.place }, photos: draft.photos.map((p) => ({ ...p })) })

let saving: Promise<void> = Promise.resolve()

export function save(): Promise<void> {
  saving = saving.then(() => write('draft', plain())).catch(() => undefined) // a browser that keeps nothing still sends
  return saving
}

export async function load(): Promise<void> {
  try {
    Object.assign(draft, (await read<Draft>('draft')) ?? {})
    known.push(...((await read<Known[]>('known')) ?? []))
  } catch {
    // a browser that keeps nothing still sends
  }
  status.loaded = true
  void flush()
}

export async function remember(k: Known): Promise<void> {
  if (!known.some((o) => o.code === k.code)) known.unshift(k)
  await write('known', known.map((o) => ({ ...o }))).catch(() => undefined)
}

export async function forget(code: string): Promise<void> {
  known.splice(known.findIndex((k) => k.code === code), 1)
  await write('known', known.map((o) => ({ ...o }))).catch(() => undefined)
}

export async function restart(): Promise<void> {
  Object.assign(draft, { place: undefined, accuracy: undefined, same: undefined, code: undefined, number: undefined }, fresh())
  status.fault = status.photoFault = ''
  await save()
}

export async function submit(): Promise<void> {
  draft.state = 'queued'
  status.fault = ''
  await save()
  await flush()
}

/** flush sends what waits: the words first, for they are small, then each photo. */
export async function flush(): Promise<void> {
  if (status.sending || draft.state === 'draft' || (draft.state === 'sent' && !draft.photos.length)) return
  status.sending = true
  try {
    if (draft.state === 'queued') await sendWords()
    while (draft.photos.length) await sendPhoto()
    status.offline = false
  } catch (e) {
    if (!(e instanceof Refusal)) throw e
    status.offline = e.status === 0
    if (!e.later) {
      status.fault = e.code
      draft.state = 'draft'
      await save()
    } else if (e.status === 429) status.fault = 'limit'
  } finally {
    status.sending = false
  }
}

async function sendWords(): Promise<void> {
  const r = await ask<{ code: string; number: string }>('POST', 'public/reports', {
    id: draft.id, service: draft.service, words: draft.words, phone: draft.phone, danger: draft.danger, place: draft.place,
    ...(draft.accuracy ? { accuracy_m: draft.accuracy } : {}), ...(draft.same ? { same_as: draft.same } : {}),
  })
  Object.assign(draft, { state: 'sent', code: r.code, number: r.number })
  status.fault = ''
  await save()
  await remember({ code: r.code, service: draft.service, at: Date.now() })
}

async function sendPhoto(): Promise<void> {
  const photo = draft.photos[0]
  if (!photo) return
  try {
    await ask('POST', `public/report/photos?at=${photo.at}`, photo.blob, draft.code)
  } catch (e) {
    if (!(e instanceof Refusal) || e.later) throw e
    status.photoFault = e.code // said, and not tried again
  }
  draft.photos.splice(0, 1)
  await save()
}

addEventListener('online', () => { status.offline = false; void flush() })
addEventListener('offline', () => { status.offline = true })
setInterval(() => void flush(), 15_000)

const maxBytes = 8 << 20
const side = 1920

/** addPhoto makes a photo small and takes out what the camera wrote into it, where the phone can. */
export async function addPhoto(file: File): Promise<void> {
  status.photoFault = ''
  const blob = await shrink(file).catch(() => undefined)
  if (!blob) { status.photoFault = 'photo-none'; return }
  if (blob.size > maxBytes) { status.photoFault = 'photo-large'; return }
  draft.photos.push({ id: randomId(), blob, at: Math.min(Date.now(), file.lastModified || Date.now()) })
  await save()
}

async function shrink(file: File): Promise<Blob> {
  const url = URL.createObjectURL(file)
  try {
    const img = await new Promise<HTMLImageElement>((resolve, reject) => {
      const i = new Image()
      i.onload = () => resolve(i)
      i.onerror = () => reject(new Error('no picture'))
      i.src = url
    })
    if (!CSS.supports('image-orientation', 'from-image')) return file // this WebView would lay it on its side; the hub turns it
    const scale = Math.min(1, side / Math.max(img.naturalWidth, img.naturalHeight))
    const canvas = document.createElement('canvas')
    canvas.width = Math.max(1, Math.round(img.naturalWidth * scale))
    canvas.height = Math.max(1, Math.round(img.naturalHeight * scale))
    canvas.getContext('2d')?.drawImage(img, 0, 0, canvas.width, canvas.height)
    return (await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.85))) ?? file
  } finally {
    URL.revokeObjectURL(url)
  }
}
