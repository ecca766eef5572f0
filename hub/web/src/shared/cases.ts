// How a case is shown: which of the five looks, which clock counts, what the
// next steps are called for. What may be done is decided by the hub (`next`).
import type { Case, CaseClock, Hazard, Step } from './api/types'

/** The five looks of a case, each with a colour and a shape of its own. */
export type Look = 'new' | 'hand' | 'wait' | 'over' | 'done'

const looks: Record<string, Look> = {
  reported: 'new', screened: 'new', verifying: 'new', verified: 'new', filed: 'new', returned: 'new',
  upheld: 'new', objected: 'wait', dispatched: 'wait', claimed: 'wait', checked: 'wait', checking: 'wait', suspended: 'wait', extended: 'hand',
  accepted: 'hand', enroute: 'hand', onscene: 'hand', handling: 'hand', cosign: 'hand', rework: 'hand', resumed: 'hand',
  closed: 'done', spot: 'done', archived: 'done', rejected: 'done', voided: 'done', merged: 'done',
}

export function isOpen(c: Pick<Case, 'state'>): boolean {
  return looks[c.state] !== 'done'
}

/** A running clock as it stands now, extrapolated from what the hub said. */
export interface ClockNow {
  name: string
  due: number
  left: number // ms, negative when overdue
  share: number // of the limit
  light: 'green' | 'yellow' | 'red'
}

/**
 * clockNow brings a clock up to date between two answers of the hub. Limits in
 * working time do not run evenly, so for them the hub's own share stands until
 * the due moment has passed.
 */
export function clockNow(c: CaseClock, now: number): ClockNow {
  const even = c.kind === 'emergency' || c.kind.startsWith('calendar')
  const at = c.stopped || now
  const elapsed = c.due > c.started ? Math.max(0, at - c.started) / (c.due - c.started) : c.used // the hub's clock may be ahead
  const share = at > c.due ? Math.max(1, even ? elapsed : c.used) : even ? elapsed : Math.min(1, c.used)
  const light = share > 1 || at > c.due ? 'red' : share >= 0.8 ? 'yellow' : 'green'
  return { name: c.name, due: c.due, left: c.due - at, share, light }
}

/** pressing returns the running clock that runs out first, if any runs. */
export function pressing(c: Pick<Case, 'clocks' | 'state'>, now: number): ClockNow | undefined {
  if (!isOpen(c)) return undefined
  const running = (c.clocks ?? []).filter((k) => !k.stopped && k.due > 0)
  return running.map((k) => clockNow(k, now)).sort((a, b) => a.left - b.left)[0]
}

export function isOverdue(c: Pick<Case, 'clocks' | 'state'>, now: number): boolean {
  return c.state !== 'suspended' && (pressing(c, now)?.left ?? 1) <= 0
}

export function look(c: Pick<Case, 'clocks' | 'state'>, now: number): Look {
  return isOverdue(c, now) ? 'over' : (looks[c.state] ?? 'new')
}

const severities = ['info', 'minor', 'major', 'critical']

export function severityRank(s: string): number {
  return Math.max(0, severities.indexOf(s))
}

/** urgency orders a list: the most urgent first. Ties by age, then by id. */
export function byUrgency(now: number): (a: Case, b: Case) => number {
  const left = (c: Case) => pressing(c, now)?.left ?? Number.MAX_SAFE_INTEGER
  return (a, b) =>
    Number(isOverdue(b, now)) - Number(isOverdue(a, now)) ||
    severityRank(b.severity) - severityRank(a.severity) ||
    left(a) - left(b) ||
    a.reported - b.reported ||
    (a.id < b.id ? -1 : 1)
}

/** newest is a list whose cases give way to a later revision that is known: answers may overtake one another. */
export function newest(list: Case[], known: Case[]): Case[] {
  return list.map((c) => known.find((k) => k.id === c.id && k.rev > c.rev) ?? c)
}

/** byGravity orders hazards: the worst first, of these the one that has stood longest. */
export function byGravity(a: Hazard, b: Hazard): number {
  return severityRank(b.severity) - severityRank(a.severity) || a.raised - b.raised || (a.id < b.id ? -1 : 1)
}

const untaken = (c: Case) => looks[c.state] === 'new' || c.state === 'dispatched'

/** mustAct: a hazard lasts and nobody has taken it yet. This and a cry may pulse, and nothing else. */
export function mustAct(h: Hazard, c: Case | undefined): boolean {
  if (h.cleared || severityRank(h.severity) < 2) return false
  return !c || untaken(c)
}

/** isCry: a person has called, not a sensor, it is critical, and nobody has taken it yet: an SOS above all. */
export function isCry(c: Case): boolean {
  return !c.hazard && c.severity === 'critical' && untaken(c)
}

/** The steps that people at a desk take, the likeliest first. */
export const deskSteps: Step[] = ['screened', 'verified', 'upheld', 'dismissed', 'checked', 'closed', 'archived', 'filed', 'resumed', 'rework', 'supervised', 'extended', 'suspended', 'spot', 'rejected', 'voided']

/** The steps of the worker, the likeliest first. */
export const fieldSteps: Step[] = ['accepted', 'enroute', 'onscene', 'handling', 'cosign', 'claimed', 'returned', 'objected']

/** Steps that demand a reason, and those that demand a day until when. */
export const needsWhy: Step[] = ['objected', 'upheld', 'dismissed', 'opposed', 'withdrawn', 'declined', 'waived', 'returned', 'spot', 'rejected', 'rework', 'supervised', 'extended', 'suspended', 'voided']
export const needsUntil: Step[] = ['extended', 'suspended']

/** stepsFor picks those of the allowed next steps that a list knows, in its order. */
export function stepsFor(next: readonly string[] | null | undefined, known: Step[]): Step[] {
  return known.filter((s) => next?.includes(s))
}
