// Sends a file in pieces by the tus protocol, so that a break of the network costs
// a piece and not the file. Where the upload is stands in `at`, which outlives the
// page; the hub says how far it got.
import { ApiError } from '@/shared/api/client'

export const piece = 512 << 10 // bytes: a few seconds on a bad network
const patience = 60_000 // for one answer

/** Where an upload is at the hub, kept on the phone. */
export interface At {
  get(): Promise<string | undefined>
  set(path: string | undefined): Promise<void>
}

async function ask(method: string, path: string, headers: Record<string, string>, body?: Blob): Promise<Response> {
  try {
    return await fetch(path, { method, headers: { 'Tus-Resumable': '1.0.0', ...headers }, body, signal: AbortSignal.timeout(patience), credentials: 'same-origin' })
  } catch (cause) {
    throw new ApiError(0, cause instanceof Error ? cause.message : String(cause))
  }
}

async function refused(answer: Response): Promise<ApiError> {
  const problem = await answer.json().catch(() => ({})) as { detail?: string }
  return new ApiError(answer.status, problem.detail ?? answer.statusText)
}

const encoded = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

async function sum(file: Blob): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
  return [...hash].map((b) => b.toString(16).padStart(2, '0')).join('')
}

async function begin(file: Blob, about: Record<string, unknown>): Promise<string> {
  const all = { ...about, sha256: globalThis.crypto?.subtle ? await sum(file) : undefined }
  const told = Object.entries(all).filter(([, v]) => v !== undefined).map(([k, v]) => `${k} ${encoded(String(v))}`).join(',')
  const answer = await ask('POST', '/api/v1/uploads/', { 'Upload-Length': String(file.size), 'Upload-Metadata': told })
  if (answer.status !== 201) throw await refused(answer)
  return new URL(answer.headers.get('Location') ?? '', location.href).pathname
}

/** reached is how far an upload got, and what it became; undefined when the hub knows it no longer. */
async function reached(path: string): Promise<{ offset: number; hash: string | null } | undefined> {
  const answer = await ask('HEAD', path, {})
  if (answer.status === 404 || answer.status === 410) return undefined
  if (!answer.ok) throw new ApiError(answer.status, answer.status === 422 ? 'the file was not accepted' : answer.statusText)
  return { offset: Number(answer.headers.get('Upload-Offset')), hash: answer.headers.get('Evidence') }
}

/** send brings a file to the hub, from where an earlier try ended, and returns its hash. */
export async function send(file: Blob, about: Record<string, unknown>, at: At, progress: (share: number) => void): Promise<string> {
  let path = await at.get()
  let got = path ? await reached(path) : undefined
  if (!path || !got) {
    path = await begin(file, about)
    await at.set(path)
    got = { offset: 0, hash: null }
  }
  while (!got.hash) {
    progress(got.offset / file.size)
    const part = file.slice(got.offset, got.offset + piece)
    const answer = await ask('PATCH', path, { 'Upload-Offset': String(got.offset), 'Content-Type': 'application/offset+octet-stream' }, part)
    if (answer.status === 409) throw new ApiError(0, 'the hub got another piece: ask it again') // a try that was thought dead
    if (!answer.ok) {
      if (answer.status === 422 || answer.status === 404) await at.set(undefined) // it is gone there
      throw answer.status === 404 ? new ApiError(0, 'the hub forgot the upload') : await refused(answer)
    }
    got = { offset: Number(answer.headers.get('Upload-Offset')), hash: answer.headers.get('Evidence') }
  }
  progress(1)
  await at.set(undefined)
  return got.hash
}
