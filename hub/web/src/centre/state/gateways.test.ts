import { expect, it } from 'vitest'
import type { GatewayState } from '@/shared/api/types'
import { byNeed, needs } from './gateways'

const gateway = (id: string, more: Partial<GatewayState> = {}): GatewayState =>
  ({ id, online: true, seen: 1, devices: 3, pending: 0, faults: [], silent: 0, ...more })

it('says why a gateway needs a person, the most pressing first', () => {
  expect(needs(gateway('well'))).toEqual([])
  expect(needs(gateway('new', { seen: undefined, online: false }))).toEqual(['unknown'])
  expect(needs(gateway('dead', { online: false, faults: ['power'] }))).toEqual(['offline', 'fault'])
  expect(needs(gateway('typo', { remark: 'devices.yaml:3: no such line', clock: { offset_ms: 90_000, bad: true } }))).toEqual(['remark', 'clock'])
  expect(needs(gateway('slow', { pending: 20_001 }))).toEqual(['backlog'])
  expect(needs(gateway('away', { online: false, pending: 20_001 }))).toEqual(['offline'])
})

it('puts those that need somebody first', () => {
  const all = [gateway('b'), gateway('z', { online: false }), gateway('a'), gateway('m', { faults: ['line'] })]
  expect(all.sort(byNeed).map((g) => g.id)).toEqual(['z', 'm', 'a', 'b'])
})
