import { describe, expect, it } from 'vitest'
import type { Case, CaseClock, Hazard } from './api/types'
import { byGravity, byUrgency, clockNow, isCry, isOverdue, look, mustAct, pressing, stepsFor, deskSteps, newest } from './cases'

const min = 60_000
const clock = (c: Partial<CaseClock>): CaseClock => ({ name: 'arrive', until: 'claimed', kind: 'emergency', started: 0, due: 20 * min, used: 0, light: 'green', ...c })
const make = (c: Partial<Case>): Case =>
  ({ id: 'c', number: '1', rev: 1, state: 'filed', matter: 'AQ01', source: 'desk', severity: 'minor', title: '', grid: '',
    place: { lon: 120, lat: 30 }, reported: 0, updated: 0, times: {}, next: [], ...c })

describe('clocks', () => {
  it('turn yellow at 80 % and red after the due moment', () => {
    expect(clockNow(clock({}), 15.9 * min).light).toBe('green')
    expect(clockNow(clock({}), 16 * min).light).toBe('yellow')
    expect(clockNow(clock({}), 20 * min + 1)).toMatchObject({ light: 'red', left: -1 })
  })
  it('do not run evenly in working time: the hub has the word', () => {
    const k = clock({ kind: 'working-hours', due: 1000 * min, used: 0.1 })
    expect(clockNow(k, 900 * min)).toMatchObject({ share: 0.1, light: 'green' })
  })
  it('do not run backwards when the hub is ahead of this screen', () => {
    expect(clockNow(clock({ started: 100, due: 1100 }), 0).share).toBe(0)
  })
  it('stand still once stopped', () => {
    expect(clockNow(clock({ stopped: 10 * min }), 500 * min)).toMatchObject({ left: 10 * min, light: 'green' })
  })
  it('press by what runs out first, stopped ones aside', () => {
    const c = make({ clocks: [clock({ stopped: 1, due: 5 * min }), clock({ name: 'handle', due: 60 * min }), clock({ due: 30 * min })] })
    expect(pressing(c, 0)?.due).toBe(30 * min)
  })
  it('of a closed case do not press', () => {
    expect(pressing(make({ state: 'closed', clocks: [clock({})] }), 999 * min)).toBeUndefined()
  })
})

describe('looks', () => {
  it('overdue wins over the state, but not over a suspension', () => {
    const clocks = [clock({})]
    expect(look(make({ state: 'handling', clocks }), min)).toBe('hand')
    expect(look(make({ state: 'handling', clocks }), 30 * min)).toBe('over')
    expect(isOverdue(make({ state: 'suspended', clocks }), 30 * min)).toBe(false)
  })
  it('pulse only for a lasting hazard that nobody has taken', () => {
    const h = { cleared: 0, severity: 'critical' } as Hazard
    expect(mustAct(h, undefined)).toBe(true)
    expect(mustAct(h, make({ state: 'dispatched' }))).toBe(true)
    expect(mustAct(h, make({ state: 'accepted' }))).toBe(false)
    expect(mustAct({ ...h, cleared: 5 }, undefined)).toBe(false)
    expect(mustAct({ ...h, severity: 'minor' }, undefined)).toBe(false)
  })
})

it('hears a cry for help until somebody takes it, and no sensor as one', () => {
  const sos = make({ severity: 'critical', source: 'patrol', state: 'filed' })
  expect(isCry(sos)).toBe(true)
  expect(isCry({ ...sos, state: 'dispatched' })).toBe(true)
  expect(isCry({ ...sos, state: 'accepted' })).toBe(false)
  expect(isCry({ ...sos, hazard: 'h' })).toBe(false)
  expect(isCry({ ...sos, severity: 'major' })).toBe(false)
})

it('lists the overdue first, then the severe, then what runs out first', () => {
  const list = [
    make({ id: 'later', clocks: [clock({ due: 60 * min })] }),
    make({ id: 'sooner', clocks: [clock({ due: 40 * min })] }),
    make({ id: 'severe', severity: 'critical', clocks: [clock({ due: 90 * min })] }),
    make({ id: 'overdue', severity: 'info', clocks: [clock({ due: min })] }),
  ]
  expect(list.sort(byUrgency(10 * min)).map((c) => c.id)).toEqual(['overdue', 'severe', 'sooner', 'later'])
})

it('calls with the worst hazards first, and of these with the one that has stood longest', () => {
  const hazard = (id: string, severity: string, raised: number) => ({ id, severity, raised }) as Hazard
  const list = [hazard('old', 'critical', 1), hazard('newest', 'major', 9), hazard('new', 'critical', 5), hazard('noise', 'minor', 7)]
  expect(list.sort(byGravity).map((h) => h.id)).toEqual(['old', 'new', 'newest', 'noise'])
})

it('keeps a later revision when an older list comes in after it', () => {
  const known = [make({ id: 'a', rev: 5, state: 'accepted' }), make({ id: 'gone', rev: 2 })]
  const list = newest([make({ id: 'a', rev: 4, state: 'dispatched' }), make({ id: 'b', rev: 1 })], known)
  expect(list.map((c) => [c.id, c.rev])).toEqual([['a', 5], ['b', 1]])
})

it('offers only steps that the hub allows', () => {
  expect(stepsFor(['closed', 'accepted', 'rework'], deskSteps)).toEqual(['closed', 'rework'])
  expect(stepsFor(null, deskSteps)).toEqual([])
})
