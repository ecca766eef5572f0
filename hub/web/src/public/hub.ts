// What the open page asks of the hub. Status 0: there was no answer.
import type { components } from '@/shared/api/schema'

type S = components['schemas']
export type Street = S['PublicStreet']
export type Following = S['Following']
export type Nearby = S['Nearby']
export type Place = { lon: number; lat: number }

export class Refusal extends Error {
  constructor(readonly status: number, readonly code: string) {
    super(code)
  }
  get later(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export async function ask<T>(method: string, path: string, body?: unknown, code?: string): Promise<T> {
  const headers: Record<string, string> = code ? { 'Follow-Code': code } : {}
  if (body !== undefined) headers['Content-Type'] = body instanceof Blob ? 'image/jpeg' : 'application/json'
  const sent = body === undefined || body instanceof Blob ? body : JSON.stringify(body)
  const answer = await fetch(`/api/v1/${path}`, { method, headers, body: sent as BodyInit | undefined, credentials: 'same-origin' }).catch(() => undefined)
  if (!answer) throw new Refusal(0, 'net')
  if (!answer.ok) throw new Refusal(answer.status, await why(answer))
  const kind = answer.headers.get('Content-Type') ?? ''
  if (kind.startsWith('image/')) return (await answer.blob()) as T
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T)
}

async function why(answer: Response): Promise<string> {
  if (answer.status === 413) return 'photo-large'
  if (answer.status === 404) return 'unknown'
  if (answer.status === 429) return 'limit'
  const problem = (await answer.json().catch(() => ({}))) as { errors?: { message?: string }[] }
  return problem.errors?.[0]?.message ?? 'other'
}
