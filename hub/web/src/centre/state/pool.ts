import { computed, ref } from 'vue'
import { api, take } from '@/shared/api/client'
import type { Case } from '@/shared/api/types'
import { look, type Look } from '@/shared/cases'
import { now } from '@/shared/clock'
import { useNames } from './names'
import { useSelection } from './selection'
import { useWorld } from './world'

export interface PoolFilter { text: string; look: Look | ''; matter: string }

/** mostBehind are the cases of a figure that are fetched: as many as the table draws. */
const mostBehind = 300

/** usePool is the table of cases: all that are open, or those behind a figure. */
export function usePool() {
  const { openCases, cases, remember } = useWorld()
  const { behind } = useSelection()
  const names = useNames()
  const filter = ref<PoolFilter>({ text: '', look: '', matter: '' })

  const base = computed(() => {
    if (!behind.value) return openCases.value
    return behind.value.ids.flatMap((id) => cases.get(id) ?? [])
  })
  const matches = (c: Case, f: PoolFilter) =>
    (!f.look || look(c, now.value) === f.look) &&
    (!f.matter || c.matter === f.matter) &&
    (!f.text || `${c.number} ${names.title(c)} ${c.matter} ${names.grid(c.grid)} ${names.person(c.assignee)}`.toLowerCase().includes(f.text.toLowerCase()))
  const shown = computed(() => base.value.filter((c) => matches(c, filter.value)))

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

  return { filter, shown, loadBehind }
}
