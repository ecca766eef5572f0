import { expect, it } from 'vitest'
import type { Case, Step } from '@/shared/api/types'
import { climbed, nextRung, overlay, ownClock, partOf, refusal } from './ladder'
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

const me = { person: 'p-2', roles: ['handler'], staff: { department: 'FR' } }
const order = (o: object) => ({ n: 2, department: 'FR', must: true, state: 'ordered', since: 0, ordered: 0, sent: 1, next: ['taken', 'declined'], ...o })
const helped = (o: object = {}) => make({ assignee: 'p-1', orders: [order(o)] as never })

it('shows a co-handler the own order, and not the steps of the lead', () => {
  expect(partOf(helped(), me)).toBe('order')
  expect(nextRung(helped(), me)).toEqual({ kind: 'step', step: 'taken', order: 2 })
  expect(refusal(helped(), me)).toEqual({ step: 'declined', order: 2 })
  const lead = { ...me, person: 'p-1' }
  expect(nextRung(helped(), lead)).toEqual({ kind: 'step', step: 'accepted' })
  expect(refusal(helped(), lead)).toEqual({ step: 'returned' })
  expect(nextRung(helped({ state: 'done', next: [] }), me)).toEqual({ kind: 'wait' })
})

it('presses a co-handler with the clock of the own order', () => {
  const clock = (name: string, due: number) => ({ name, kind: 'emergency', started: 0, due, used: 0, light: 'green' })
  const c = make({ assignee: 'p-1', clocks: [clock('handle', 900)] as never, orders: [order({ clocks: [{ ...clock('co-accept', 100), stopped: 50 }, clock('co-handle', 500)] })] as never })
  expect(ownClock(c, me, 10)?.name).toBe('co-handle')
  expect(ownClock(c, { ...me, person: 'p-1' }, 10)?.name).toBe('handle')
  expect(ownClock({ ...c, orders: [] }, me, 10)).toBeUndefined()
})

it('takes and does an order offline', () => {
  const took = did('taken', {}) as Entry & { body: { order?: number } }
  took.body.order = 2
  const then = overlay(helped(), [took])
  expect(then.state).toBe('dispatched')
  expect(nextRung(then, me)).toEqual({ kind: 'step', step: 'done', order: 2 })
})

it('asks for a signature, and waits once it is given', () => {
  const asked = make({ assignee: 'p-1', state: 'cosign', cosign: { n: 1, state: 'open', signers: ['FR'], quorum: 1, votes: [], asked: 0 } as never })
  expect(nextRung(asked, me)).toEqual({ kind: 'step', step: 'agreed', department: 'FR' })
  expect(refusal(asked, me)).toEqual({ step: 'opposed', department: 'FR' })
  const gave = did('agreed') as Entry & { body: { department?: string } }
  gave.body.department = 'FR'
  expect(nextRung(overlay(asked, [gave]), me)).toEqual({ kind: 'wait' })
})

it('has the lead ask for signatures before the claim, and object where nothing is returned', () => {
  const lead = { ...me, person: 'p-1' }
  const signed = make({ assignee: 'p-1', state: 'handling', missing: [], next: ['cosign'] })
  expect(nextRung(signed, lead)).toEqual({ kind: 'step', step: 'cosign' })
  expect(refusal(make({ assignee: 'p-1', next: ['accepted', 'objected'] }), lead)).toEqual({ step: 'objected' })
})
