import { beforeEach, expect, it, vi } from 'vitest'
import { ApiError } from '@/shared/api/client'
import { piece, send, type At } from './pieces'

/** Hub keeps one upload, as the real one does, and breaks when told. */
class Hub {
  got: Uint8Array[] = []
  size = 0
  asked: string[] = []
  breaks = new Set<string>() // "PATCH 524288": the request gets no answer, half of it has come
  refuses = ''
  get offset(): number { return this.got.reduce((n, b) => n + b.length, 0) }

  async answer(path: string, init: RequestInit): Promise<Response> {
    const headers = init.headers as Record<string, string>
    const what = `${init.method} ${headers['Upload-Offset'] ?? ''}`.trim()
    this.asked.push(what)
    if (init.method === 'POST') {
      this.size = Number(headers['Upload-Length'])
      return new Response(null, { status: 201, headers: { Location: 'http://hub/api/v1/uploads/u1' } })
    }
    expect(path).toBe('/api/v1/uploads/u1')
    if (!this.size) return new Response(null, { status: 404 })
    if (init.method === 'PATCH') {
      if (Number(headers['Upload-Offset']) !== this.offset) return new Response(null, { status: 409 })
      const body = new Uint8Array(await (init.body as Blob).arrayBuffer())
      const broken = this.breaks.delete(what)
      this.got.push(broken ? body.slice(0, body.length / 2) : body)
      if (broken) throw new TypeError('Failed to fetch')
    }
    if (this.offset === this.size && this.refuses) return new Response(JSON.stringify({ detail: this.refuses }), { status: 422 })
    const done = this.offset === this.size ? { Evidence: 'abc' } : undefined
    return new Response(null, { status: init.method === 'HEAD' ? 200 : 204, headers: { 'Upload-Offset': String(this.offset), ...done } })
  }
}

let hub: Hub, kept: string | undefined
const at: At = { get: async () => kept, set: async (path) => { kept = path } }
const file = new Blob([new Uint8Array(3 * piece + 100).map((_, i) => i % 251)])
const about = { kind: 'video', at: 5, case: '案件' }

beforeEach(() => {
  hub = new Hub()
  kept = undefined
  vi.stubGlobal('location', { href: 'http://hub/field' })
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => hub.answer(path, init))
})

it('sends a file in pieces', async () => {
  const shares: number[] = []
  expect(await send(file, about, at, (s) => shares.push(s))).toBe('abc')
  expect(hub.asked).toEqual(['POST', 'PATCH 0', `PATCH ${piece}`, `PATCH ${2 * piece}`, `PATCH ${3 * piece}`])
  expect(shares.at(-1)).toBe(1)
  expect(kept).toBeUndefined()
  const whole = new Uint8Array(await new Blob(hub.got as BlobPart[]).arrayBuffer())
  expect(whole.length).toBe(file.size)
  expect(new Uint8Array(await file.arrayBuffer()).every((b, i) => b === whole[i])).toBe(true)
})

it('goes on where the hub stands after a break, and sends no byte twice', async () => {
  hub.breaks.add(`PATCH ${piece}`)
  await expect(send(file, about, at, () => {})).rejects.toMatchObject({ status: 0, retry: true })
  expect(kept).toBe('/api/v1/uploads/u1')
  expect(await send(file, about, at, () => {})).toBe('abc')
  expect(hub.asked.slice(3)).toEqual(['HEAD', `PATCH ${piece * 1.5}`, `PATCH ${piece * 2.5}`])
  expect(hub.offset).toBe(file.size)
})

it('hears after a lost answer that the file is there', async () => {
  await send(file, about, at, () => {})
  kept = '/api/v1/uploads/u1' // the last answer was lost
  hub.asked = []
  expect(await send(file, about, at, () => {})).toBe('abc')
  expect(hub.asked).toEqual(['HEAD'])
})

it('begins anew where the hub has forgotten it, and says what was refused', async () => {
  kept = '/api/v1/uploads/u1'
  expect(await send(file, about, at, () => {})).toBe('abc')
  expect(hub.asked.slice(0, 3)).toEqual(['HEAD', 'POST', 'PATCH 0'])
  hub = new Hub()
  hub.refuses = 'the picture cannot be read'
  await expect(send(file, about, at, () => {})).rejects.toEqual(new ApiError(422, 'the picture cannot be read'))
  expect(kept).toBeUndefined()
})
