import { computed } from 'vue'
import { api, take } from '@/shared/api/client'
import type { Case } from '@/shared/api/types'
import { look, type Look } from '@/shared/cases'
import { now } from '@/shared/clock'
import { stored } from '@/shared/prefs'
import { share, useForecast } from './forecast'
import { useNames } from './names'
import { useSelection } from './selection'
import { useWorld } from './world'

export interface PoolFilter { text: string; look: Look | ''; matter: string; order: 'urgency' | 'risk' | 'reported' }

export const plain: PoolFilter = { text: '', look: '', matter: '', order: 'urgency' }

/** The columns that may be left out; number and title always stand. */
export const columns = ['state', 'grid', 'who', 'source', 'reported', 'risk', 'due'] as const
export type Column = (typeof columns)[number]

export interface View { name: string; filter: PoolFilter; columns: Column[] }

/** mostBehind are the cases of a figure that are fetched: as many as the table draws. */
const mostBehind = 300

/** usePool is the table of cases: all that are open, or those behind a figure. */
export function usePool() {
  const { openCases, cases, remember } = useWorld()
  const { behind } = useSelection()
  const names = useNames()
  const { risks } = useForecast()
  const filter = stored<PoolFilter>('pool.filter', { ...plain })
  const shownColumns = stored<Column[]>('pool.columns', [...columns])

  const base = computed(() => {
    if (!behind.value) return openCases.value
    return behind.value.ids.flatMap((id) => cases.get(id) ?? [])
  })
  const matches = (c: Case, f: PoolFilter) =>
    (!f.look || look(c, now.value) === f.look) &&
    (!f.matter || c.matter === f.matter) &&
    (!f.text || `${c.number} ${names.title(c)} ${c.matter} ${names.grid(c.grid)} ${names.person(c.assignee)}`.toLowerCase().includes(f.text.toLowerCase()))
  const risk = (c: Case) => share(risks.value.get(c.id))
  const orders: Record<PoolFilter['order'], ((a: Case, b: Case) => number) | undefined> = {
    urgency: undefined, // as they come
    risk: (a, b) => risk(b) - risk(a),
    reported: (a, b) => b.reported - a.reported,
  }
  const shown = computed(() => {
    const list = base.value.filter((c) => matches(c, filter.value))
    const order = orders[filter.value.order]
    return order ? list.sort(order) : list
  })

  /** loadBehind fetches those cases of a figure that the page does not hold, four at a time; of many the first. */
  async function loadBehind(): Promise<void> {
    const missing = (behind.value?.ids ?? []).slice(0, mostBehind).filter((id) => !cases.has(id))
    const next = async (): Promise<void> => {
      const id = missing.pop()
      if (!id) return
      await take(api.GET('/api/v1/cases/{case}', { params: { path: { case: id } } })).then(remember).catch(() => undefined)
      return next()
    }
    await Promise.all([next(), next(), next(), next()])
  }

  return { filter, shown, shownColumns, risks, loadBehind }
}
