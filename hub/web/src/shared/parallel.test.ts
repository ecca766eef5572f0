import { expect, it } from 'vitest'
import type { Case, WorkOrder } from './api/types'
import { deeds, heldNow, mine, ownOrder, signsFor, silent, type Viewer } from './parallel'

const order = (o: Partial<WorkOrder>): WorkOrder => ({ n: 1, department: 'FR', must: true, state: 'ordered', since: 0, ordered: 0, sent: 1, next: ['taken', 'declined', 'waived', 'ordered'], ...o })
const person = (id: string, department: string, ...roles: string[]): Viewer => ({ person: id, roles, staff: { department } })
const fire = person('p-1', 'FR', 'handler')
const desk: Viewer = { person: '', roles: ['dispatcher'] }

it('knows whose an order is', () => {
  expect(mine(order({}), fire)).toBe(true)
  expect(mine(order({ assignee: 'p-2' }), fire)).toBe(false)
  expect(mine(order({ assignee: 'p-2' }), person('p-2', 'ES', 'handler'))).toBe(true)
  expect(mine(order({ department: '' }), { person: 'p-9', roles: [] })).toBe(false)
  expect(mine(order({}), null)).toBe(false)
})

it('offers a co-handler the own steps, a desk its own and a record of the others', () => {
  expect(deeds(order({}), fire)).toEqual({ own: ['taken', 'declined'], desk: [], record: [] })
  expect(deeds(order({}), desk)).toEqual({ own: [], desk: ['waived', 'ordered'], record: ['taken', 'declined'] })
  expect(deeds(order({}), person('p-3', 'ES', 'head')).record).toEqual([])
  expect(deeds(order({ next: [] }), desk)).toEqual({ own: [], desk: [], record: [] })
})

it('asks for a signature once, and never the lead', () => {
  const round = { n: 1, state: 'open', signers: ['ES', 'FR'], quorum: 1, votes: [{ department: 'ES', agrees: true, at: 1 }], asked: 0 }
  const c = { state: 'cosign', cosign: round, assignee: 'p-8', orders: [] } as unknown as Case
  expect(silent(round)).toEqual(['FR'])
  expect(signsFor(c, fire)).toBe('FR')
  expect(signsFor(c, person('p-2', 'ES'))).toBe('')
  expect(signsFor({ ...c, assignee: 'p-1' }, fire)).toBe('')
  expect(signsFor({ ...c, state: 'handling' }, fire)).toBe('')
  expect(signsFor({ ...c, orders: [order({ assignee: 'p-7' })] }, person('p-7', 'CM'))).toBe('FR')
})

it('shows the order in hand before one that waits', () => {
  const orders = [order({ n: 1 }), order({ n: 2, state: 'taken', assignee: 'p-1' }), order({ n: 3, state: 'done' })]
  expect(ownOrder({ orders, assignee: 'p-8' }, fire)?.n).toBe(2)
  expect(ownOrder({ orders: [order({ state: 'done' })], assignee: 'p-8' }, fire)).toBeUndefined()
})

it('lets time run on for those who hold the case', () => {
  const held = [{ department: 'desk', for_ms: 60_000 }, { department: 'FR', for_ms: 30_000, since: 1_000_000 }]
  expect(heldNow(held, 1_090_000)).toEqual([{ department: 'FR', ms: 120_000, now: true, share: 1 }, { department: 'desk', ms: 60_000, now: false, share: 0.5 }])
  expect(heldNow(undefined, 5)).toEqual([])
})
