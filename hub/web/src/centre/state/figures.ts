// What the figures' room asks: a table of a period, and the cases behind a number.
import { api, list, take } from '@/shared/api/client'
import type { FigureTable, Formulas } from '@/shared/api/types'
import { useWords } from '@/shared/i18n'
import { useNames } from './names'
import { useSelection } from './selection'

export const dimensions = ['department', 'matter', 'grid', 'person', 'source', 'day', 'week', 'month', 'daykind'] as const
export type Dimension = (typeof dimensions)[number]

/** readTable counts a period, from an instant until now. */
export const readTable = (from: number | undefined, by: Dimension): Promise<FigureTable> =>
  take(api.GET('/api/v1/figures/table', { params: { query: { from, by } } })) as Promise<FigureTable>

export const readFormulas = (): Promise<Formulas> => take(api.GET('/api/v1/figures/definitions'))

/** sheetAddress is where a table is as a file. */
export function sheetAddress(from: number | undefined, by: Dimension, format: 'xlsx' | 'csv'): string {
  return `/api/v1/figures/table?${new URLSearchParams({ by, format, ...(from ? { from: String(from) } : {}) })}`
}

/** useLines says the lines of tables as people call them, and opens what is behind them. */
export function useLines() {
  const names = useNames()
  const { t, word } = useWords()
  const { openBehind } = useSelection()
  function line(by: Dimension, key: string): string {
    if (!key) return t('app.unknown')
    switch (by) {
      case 'department': return names.department(key)
      case 'matter': return names.matter(key)
      case 'grid': return names.grid(key)
      case 'person': return names.person(key)
      case 'source': return word('source', key)
      case 'daykind': return word('figures.kind', key)
      default: return key
    }
  }
  /** behind opens the cases of one number; without a line those of the whole. */
  async function behind(from: number | undefined, count: string, said: string, by?: Dimension, key = ''): Promise<void> {
    const ids = await list(api.GET('/api/v1/figures/cases', { params: { query: { from, by: by ?? '', key, count } } })).catch(() => [])
    openBehind(by ? `${line(by, key)} · ${said}` : said, ids)
  }
  return { line, behind }
}
