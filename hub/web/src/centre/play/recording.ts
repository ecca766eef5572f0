// A recorded call as it is played: its time bar, what is missing on it, and
// what the street knew at each moment.
import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import { ApiError, api, list, take } from '@/shared/api/client'
import type { Fix, RecordingBook, RecordingPart, Sample } from '@/shared/api/types'

export interface Lane { person: string; parts: RecordingPart[] }

/** lanesOf sorts the parts by person, in the order in which they began. */
export function lanesOf(parts: readonly RecordingPart[]): Lane[] {
  const lanes = new Map<string, RecordingPart[]>()
  for (const p of [...parts].sort((a, b) => a.start_ms - b.start_ms)) lanes.set(p.person, [...(lanes.get(p.person) ?? []), p])
  return [...lanes].map(([person, own]) => ({ person, parts: own }))
}

/** at finds the newest entry that is not later than a moment. */
export function at<T extends { at: number }>(all: readonly T[], moment: number): T | undefined {
  let found: T | undefined
  for (const one of all) {
    if (one.at > moment) break
    found = one
  }
  return found
}

const around = 60_000 // ms of readings before and after the call

export function useRecording(call: string) {
  const book = shallowRef<RecordingBook | null>(null)
  const ticket = ref('')
  const problem = ref('')
  const position = ref(0)
  const playing = ref(false)
  const fixes = shallowRef<Record<string, Fix[]>>({})
  const samples = shallowRef<Sample[]>([])
  const lanes = computed(() => lanesOf(book.value?.parts ?? []))
  const zero = computed(() => Date.parse(book.value?.zero ?? '') || 0)
  let last = 0
  let frame = 0

  function tick(now: number): void {
    if (playing.value) {
      position.value = Math.min(position.value + now - last, book.value?.length_ms ?? 0)
      if (position.value >= (book.value?.length_ms ?? 0)) playing.value = false
    }
    last = now
    frame = requestAnimationFrame(tick)
  }
  onScopeDispose(() => cancelAnimationFrame(frame))

  async function open(): Promise<void> {
    try {
      book.value = await take(api.GET('/api/v1/recordings/{call}', { params: { path: { call } } }))
      ticket.value = (await take(api.POST('/api/v1/recordings/{call}/plays', { params: { path: { call } }, body: {} }))).ticket
      frame = requestAnimationFrame(tick)
      await Promise.all(lanes.value.map((l) => where(l.person)))
    } catch (e) {
      problem.value = e instanceof ApiError ? e.detail : String(e)
    }
  }

  async function where(person: string): Promise<void> {
    const span = { from: zero.value - around, to: zero.value + (book.value?.length_ms ?? 0) + around }
    const track = await take(api.GET('/api/v1/people/{person}/track', { params: { path: { person }, query: span } })).catch(() => null)
    fixes.value = { ...fixes.value, [person]: track?.fixes ?? [] }
  }

  /** readings brings what the case's device measured meanwhile. */
  async function readings(device: string, metric: string): Promise<void> {
    const query = { metric, from: zero.value - around, to: zero.value + (book.value?.length_ms ?? 0) + around, every: 0 }
    samples.value = await list(api.GET('/api/v1/devices/{device}/series', { params: { path: { device }, query } })).catch(() => [])
  }

  const src = (part: RecordingPart) => `/api/v1/recordings/${encodeURIComponent(call)}/parts/${part.name}?ticket=${encodeURIComponent(ticket.value)}`
  return { book, ticket, problem, position, playing, lanes, zero, fixes, samples, open, readings, src }
}
