// The worker's ladder: 接单 → 到场 → 拍照 → 办结. What the hub allows stands in
// `next`; offline, the steps that wait in the outbox are laid over it.
import type { Case, Step } from '@/shared/api/types'
import { clockNow, pressing, type ClockNow } from '@/shared/cases'
import { ownOrder, signsFor, type Viewer } from '@/shared/parallel'
import type { Entry } from './outbox'

export type Rung = { kind: 'step'; step: Step; order?: number; department?: string } | { kind: 'photo'; proof: string } | { kind: 'wait' }

/** What probably follows a step, until the hub has said so. */
const after: Partial<Record<Step, Step[]>> = {
  accepted: ['enroute', 'onscene', 'returned'],
  enroute: ['onscene', 'returned'],
  onscene: ['handling', 'claimed', 'returned'],
  handling: ['claimed', 'returned'],
  cosign: [],
  claimed: [],
  verified: [],
  rejected: [],
  returned: [],
  objected: [],
}

/** What probably follows a co-handler's step on the order. */
const afterOrder: Partial<Record<Step, Step[]>> = { taken: ['done', 'declined'], done: [], declined: [] }

/** overlay is the case as it will be when what waits has been sent. */
export function overlay(c: Case, waiting: Entry[]): Case {
  return waiting.reduce((seen, e) => {
    if (e.kind !== 'command' || e.case !== c.id || e.refused) return seen
    if (e.body.type === 'evidence') return e.body.order ? seen : { ...seen, missing: without(seen.missing, e.body.kind) }
    if (e.body.order) return { ...seen, orders: seen.orders?.map((o) => (o.n === e.body.order ? { ...o, state: e.body.type, next: afterOrder[e.body.type] ?? [] } : o)) }
    if (e.body.type === 'agreed' || e.body.type === 'opposed') return { ...seen, cosign: seen.cosign && { ...seen.cosign, votes: [...(seen.cosign.votes ?? []), { department: e.body.department ?? '', agrees: e.body.type === 'agreed', at: 0 }] } }
    const next = after[e.body.type]
    return next ? { ...seen, state: e.body.type, next } : seen
  }, c)
}

function without(missing: string[] | null | undefined, kind: string | undefined): string[] {
  const list = missing ?? []
  const at = list.indexOf(kind ?? '')
  return at < 0 ? list : list.filter((_, i) => i !== at)
}

const arrived = ['onscene', 'handling', 'cosign', 'rework', 'extended', 'resumed']

/** The part that somebody has in a case: to lead it, an order of the own, to sign, or none any more. */
export type Part = 'lead' | 'order' | 'sign' | 'none'

export function partOf(c: Case, me: Viewer): Part {
  if (!me?.person || c.assignee === me.person) return 'lead'
  if (signsFor(c, me)) return 'sign'
  return ownOrder(c, me) ? 'order' : 'none'
}

/** ownClock is the clock that presses a person: of the case for its lead, of the own order for a co-handler; who only signs has none. */
export function ownClock(c: Case, me: Viewer, now: number): ClockNow | undefined {
  const part = partOf(c, me)
  if (part === 'lead') return pressing(c, now)
  const clocks = (part === 'order' && ownOrder(c, me)?.clocks) || []
  return clocks.filter((k) => !k.stopped).map((k) => clockNow(k, now)).sort((a, b) => a.left - b.left)[0]
}

/** nextRung is the one thing to do now. */
export function nextRung(c: Case, me?: Viewer): Rung {
  const part = partOf(c, me)
  if (part === 'sign') return { kind: 'step', step: 'agreed', department: signsFor(c, me) }
  if (part === 'order') {
    const o = ownOrder(c, me)
    const step = (['taken', 'done'] as Step[]).find((s) => o?.next?.includes(s))
    return step ? { kind: 'step', step, order: o?.n } : { kind: 'wait' }
  }
  if (part === 'none') return { kind: 'wait' }
  const may = (s: Step) => c.next?.includes(s)
  if (may('verified')) return { kind: 'step', step: 'verified' }
  if (may('accepted')) return { kind: 'step', step: 'accepted' }
  const proof = c.missing?.[0]
  if (may('onscene') && !(arrived.includes(c.state) && may('claimed'))) return { kind: 'step', step: 'onscene' }
  if (arrived.includes(c.state) && proof) return { kind: 'photo', proof }
  if (may('cosign')) return { kind: 'step', step: 'cosign' }
  if (may('claimed')) return { kind: 'step', step: 'claimed' }
  if (may('handling')) return { kind: 'step', step: 'handling' }
  return { kind: 'wait' }
}

/** refusal is the step by which somebody gives the part back. */
export function refusal(c: Case, me: Viewer): { step: Step; order?: number; department?: string } | undefined {
  const part = partOf(c, me)
  if (part === 'sign') return { step: 'opposed', department: signsFor(c, me) }
  const o = ownOrder(c, me)
  if (part === 'order') return o?.next?.includes('declined') ? { step: 'declined', order: o.n } : undefined
  const step = part === 'lead' && (['returned', 'objected', ...(c.state === 'verifying' ? ['rejected' as const] : [])] as Step[]).find((s) => c.next?.includes(s))
  return step ? { step } : undefined
}

/** The four rungs as they are drawn, and how many are behind. */
export function climbed(c: Case): number {
  const r = nextRung(c)
  if (r.kind === 'photo') return 2
  if (r.kind === 'wait') return ['claimed', 'checked', 'closed', 'archived'].includes(c.state) ? 4 : 0
  return ({ accepted: 0, onscene: 1, handling: 2, cosign: 3, claimed: 3 } as Partial<Record<Step, number>>)[r.step] ?? 0
}
