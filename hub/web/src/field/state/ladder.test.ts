import { expect, it } from 'vitest'
import type { Case, Step } from '@/shared/api/types'
import { climbed, nextRung, overlay } from './ladder'
import type { Entry } from './outbox'

const make = (c: Partial<Case>) => ({ id: 'c-1', state: 'dispatched', next: ['accepted', 'returned'], missing: ['photo-after'], ...c }) as Case
const did = (type: Step, more: Partial<Entry> = {}, kind?: string) => ({ n: 1, kind: 'command', case: 'c-1', body: { id: 'x', type, kind }, ...more }) as Entry
const photographed = did('evidence', {}, 'photo-after')

it('climbs offline: accept, arrive, photograph, done, wait', () => {
  const steps: Entry[] = []
  const rungs = [nextRung(make({}))]
  for (const e of [did('accepted'), did('onscene'), photographed, did('claimed')]) {
    steps.push(e)
    rungs.push(nextRung(overlay(make({}), steps)))
  }
  expect(rungs).toEqual([
    { kind: 'step', step: 'accepted' }, { kind: 'step', step: 'onscene' }, { kind: 'photo', proof: 'photo-after' },
    { kind: 'step', step: 'claimed' }, { kind: 'wait' },
  ])
  expect(climbed(overlay(make({}), steps))).toBe(4)
})

it('does not ask for a photo before the worker has arrived', () => {
  expect(nextRung(make({ state: 'accepted', next: ['enroute', 'onscene'] }))).toEqual({ kind: 'step', step: 'onscene' })
})

it('goes back to the hub’s word when a step was refused', () => {
  expect(nextRung(overlay(make({}), [did('accepted', { refused: 'reassigned' })]))).toEqual({ kind: 'step', step: 'accepted' })
})

it('leaves other cases alone', () => {
  expect(overlay(make({}), [did('accepted', { case: 'c-2' } as Partial<Entry>)]).state).toBe('dispatched')
})
