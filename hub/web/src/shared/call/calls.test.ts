import { expect, it } from 'vitest'
import { computed } from 'vue'
import { makeCalls } from './calls'
import type { CallState, Reply } from './protocol'

const said = (self: CallState['self'], phase: CallState['phase']): Reply => ({
  v: 1, type: 'state', call: 'c1',
  state: {
    call: 'c1', boot: 'b', phase, self, mode: 'one', media: 'audio', caller: 'desk', callees: ['p-017'], sends: true,
    seats: [], created: '2026-01-01T00:00:00Z', now: '2026-01-01T00:00:01Z',
  } as unknown as CallState,
} as Reply)

it('tells whoever computes from a call that it changed', () => {
  const over: string[] = []
  const calls = makeCalls({ me: () => 'p-017', send: () => undefined, onOver: (v) => over.push(v.reason) })
  const one = computed(() => calls.calls.value[0])
  const phase = computed(() => one.value?.phase)
  calls.receive(said('invited', 'ringing' as CallState['phase']))
  expect(phase.value).toBe('incoming')
  expect(one.value?.peers).toEqual(['desk'])
  calls.receive(said('missed', 'ended'))
  expect(phase.value).toBe('ended')
  expect(over).toEqual(['ended'])
})
