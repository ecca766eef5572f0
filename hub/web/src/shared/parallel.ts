// Work on one case by several: whose order is whose, what a person may do about
// it, and how it is shown. What the state allows is decided by the hub (`next`).
import type { Case, Held, Round, Step, WorkOrder } from './api/types'

const co: Step[] = ['taken', 'done', 'declined']
const ofDesk: Step[] = ['extended', 'waived', 'ordered']

/** Whoever looks: the person, the department, the roles. */
export type Viewer = { readonly person?: string; readonly roles?: readonly string[] | null; readonly staff?: { readonly department?: string } | null } | null | undefined

const has = (me: Viewer, ...roles: string[]) => roles.some((r) => me?.roles?.includes(r))

/** mine: the order is given to this person, or to the department and nobody has taken it yet. */
export function mine(o: WorkOrder, me: Viewer): boolean {
  if (!me?.person) return false
  return o.assignee ? o.assignee === me.person : !!me.staff?.department && me.staff.department === o.department
}

/** What a viewer may do about an order: as a co-handler, as a desk, and as a desk that writes down what a department did. */
export function deeds(o: WorkOrder, me: Viewer): { own: Step[]; desk: Step[]; record: Step[] } {
  const may = (list: Step[]) => list.filter((s) => o.next?.includes(s))
  return {
    own: mine(o, me) ? may(co) : [],
    desk: has(me, 'dispatcher', 'head', 'admin') ? may(ofDesk) : [],
    record: !mine(o, me) && has(me, 'dispatcher', 'admin') ? may(co) : [],
  }
}

/** silent lists the departments that have not answered. */
export function silent(r: Pick<Round, 'signers' | 'votes'>): string[] {
  return (r.signers ?? []).filter((s) => !r.votes?.some((v) => v.department === s))
}

/** signsFor is the department for which a viewer is asked to sign; none: ''. */
export function signsFor(c: Pick<Case, 'state' | 'cosign' | 'assignee' | 'orders'>, me: Viewer): string {
  if (c.state !== 'cosign' || !c.cosign || !me?.person || me.person === c.assignee) return ''
  const speaks = (d: string) => me.staff?.department === d || c.orders?.some((o) => o.department === d && o.assignee === me.person)
  return silent(c.cosign).find(speaks) ?? ''
}

/** The order that a co-handler has to work on: the one in hand first. */
export function ownOrder(c: Pick<Case, 'orders' | 'assignee'>, me: Viewer): WorkOrder | undefined {
  const open = (c.orders ?? []).filter((o) => (o.state === 'ordered' || o.state === 'taken') && mine(o, me))
  return open.find((o) => o.state === 'taken') ?? open[0]
}

/** heldNow is how long each kept the case waiting up to now, the longest first. */
export function heldNow(held: readonly Held[] | null | undefined, now: number): { department: string; ms: number; now: boolean; share: number }[] {
  const list = (held ?? []).map((h) => ({ department: h.department, ms: h.for_ms + (h.since ? Math.max(0, now - h.since) : 0), now: !!h.since }))
  const longest = Math.max(1, ...list.map((h) => h.ms))
  return list.map((h) => ({ ...h, share: h.ms / longest })).sort((a, b) => b.ms - a.ms)
}
