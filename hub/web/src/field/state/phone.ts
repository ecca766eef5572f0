// The handheld: its store, its outbox, its uplink; opened once per page.
import { computed, readonly, ref, shallowRef } from 'vue'
import { ApiError, api, take } from '@/shared/api/client'
import type { Case } from '@/shared/api/types'
import { useSession } from '@/shared/session'
import { Store } from './db'
import { send as inPieces } from './pieces'
import { Outbox, type Deed, type Entry, type Sender } from './outbox'
import { Uplink } from './uplink'

const network = ref(navigator.onLine) // as the phone says
const reached = ref(true) // as the last request found
const entries = shallowRef<Entry[]>([])
const sending = ref(false)
const protectedStore = ref(false)
const problem = ref('')
const progress = shallowRef<{ photo: string; share: number } | null>(null) // of the file that is being sent

let store: Store
let outbox: Outbox
let uplink: Uplink
let opened: Promise<void> | null = null

/** Listeners hear of a case as the hub has it after a step. */
const learners = new Set<(c: Case) => void>()
export const onCase = (learn: (c: Case) => void) => { learners.add(learn) }

const sender: Sender = {
  async upload(deed, photo) {
    const about = { case: deed.case, kind: deed.of, at: deed.at, lon: deed.lon, lat: deed.lat, accuracy: deed.accuracy }
    const key = `upload:${deed.photo}`
    const at = { get: () => store.get<string>('kept', key), set: async (path?: string) => { await (path ? store.put('kept', path, key) : store.delete('kept', key)) } }
    try {
      return await inPieces(photo, about, at, (share) => { progress.value = { photo: deed.photo, share } })
    } finally {
      progress.value = null
    }
  },
  async send(deed, hash) {
    switch (deed.kind) {
      case 'command': {
        const body = hash ? { ...deed.body, evidence: hash } : deed.body
        const done = await take(api.POST('/api/v1/cases/{case}/commands', { params: { path: { case: deed.case } }, body }))
        for (const learn of learners) learn(done)
        return
      }
      case 'checkin': await take(api.POST('/api/v1/checkins', { body: { ...deed.body, evidence: hash ?? '' } })); return
      case 'report': await take(api.POST('/api/v1/cases', { body: deed.body })); return
      case 'duty': await take(api.POST('/api/v1/duty', { body: { on: deed.on, at: deed.at } })); return
    }
  },
}

async function open(): Promise<void> {
  store = await Store.open()
  outbox = new Outbox(store, sender, (e) => { entries.value = e })
  uplink = new Uplink(store)
  entries.value = await outbox.entries()
  protectedStore.value = (await navigator.storage?.persist?.()) ?? false
}

/** ready opens the store; every caller waits for the same opening. */
export function ready(): Promise<{ store: Store; outbox: Outbox; uplink: Uplink }> {
  opened ??= open()
  return opened.then(() => ({ store, outbox, uplink }))
}

/** flush sends what waits. It is called often; it does nothing when nothing waits. */
export async function flush(): Promise<void> {
  await ready()
  if (!navigator.onLine || sending.value) return
  sending.value = true
  try {
    const outcome = await outbox.flush()
    reached.value = outcome !== 'later'
    if (outcome === 'signed-out') useSession().expire()
  } finally {
    sending.value = false
  }
}

/** commit writes deeds down and tries to send them. It resolves when they are safe on the phone. */
export async function commit(...deeds: Deed[]): Promise<void> {
  await ready()
  try {
    await outbox.add(...deeds)
  } catch (e) {
    problem.value = String(e)
    throw e
  }
  void flush()
}

/** keep remembers an answer for times without a network; recall gives it back. */
export async function keep<T>(name: string, value: T): Promise<T> {
  await (await ready()).store.put('kept', JSON.parse(JSON.stringify(value)), name)
  return value
}

export async function recall<T>(name: string): Promise<T | undefined> {
  return (await ready()).store.get<T>('kept', name)
}

/** fresh asks the hub, and falls back on what was kept when there is no network. */
export async function fresh<T>(name: string, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    const answer = await keep(name, await ask())
    reached.value = true
    return answer
  } catch (e) {
    if (!(e instanceof ApiError) || !e.retry) throw e
    reached.value = false
    return recall<T>(name)
  }
}

addEventListener('online', () => { network.value = true; void flush() })
addEventListener('offline', () => { network.value = false })
setInterval(() => { if (entries.value.some((e) => !e.refused)) void flush() }, 10_000)

export function usePhone() {
  const online = computed(() => network.value && reached.value)
  const waiting = computed(() => entries.value.filter((e) => !e.refused))
  const refused = computed(() => entries.value.filter((e) => e.refused))
  const dismiss = async (n: number) => (await ready()).outbox.dismiss(n)
  return { online, entries, waiting, refused, sending: readonly(sending), protectedStore: readonly(protectedStore), problem, progress, dismiss }
}
