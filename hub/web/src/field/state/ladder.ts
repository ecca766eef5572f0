// The worker's ladder: 接单 → 到场 → 拍照 → 办结. What the hub allows stands in
// `next`; offline, the steps that wait in the outbox are laid over it.
import type { Case, Step } from '@/shared/api/types'
import type { Entry } from './outbox'

export type Rung = { kind: 'step'; step: Step } | { kind: 'photo'; proof: string } | { kind: 'wait' }

/** What probably follows a step, until the hub has said so. */
const after: Partial<Record<Step, Step[]>> = {
  accepted: ['enroute', 'onscene', 'returned'],
  enroute: ['onscene', 'returned'],
  onscene: ['handling', 'claimed', 'returned'],
  handling: ['claimed', 'returned'],
  claimed: [],
  returned: [],
}

/** overlay is the case as it will be when what waits has been sent. */
export function overlay(c: Case, waiting: Entry[]): Case {
  return waiting.reduce((seen, e) => {
    if (e.kind !== 'command' || e.case !== c.id || e.refused) return seen
    if (e.body.type === 'evidence') return { ...seen, missing: without(seen.missing, e.body.kind) }
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

/** nextRung is the one thing to do now. */
export function nextRung(c: Case): Rung {
  const may = (s: Step) => c.next?.includes(s)
  if (may('accepted')) return { kind: 'step', step: 'accepted' }
  const proof = c.missing?.[0]
  if (may('onscene') && !(arrived.includes(c.state) && may('claimed'))) return { kind: 'step', step: 'onscene' }
  if (arrived.includes(c.state) && proof) return { kind: 'photo', proof }
  if (may('claimed')) return { kind: 'step', step: 'claimed' }
  if (may('handling')) return { kind: 'step', step: 'handling' }
  return { kind: 'wait' }
}

/** The four rungs as they are drawn, and how many are behind. */
export function climbed(c: Case): number {
  const r = nextRung(c)
  if (r.kind === 'photo') return 2
  if (r.kind === 'wait') return ['claimed', 'checked', 'closed', 'archived'].includes(c.state) ? 4 : 0
  return { accepted: 0, onscene: 1, handling: 2, claimed: 3 }[r.step as 'accepted' | 'onscene' | 'handling' | 'claimed'] ?? 0
}
