import { computed } from 'vue'
import type { Case, Hazard } from '@/shared/api/types'
import { useWords } from '@/shared/i18n'
import { useWorld } from './world'

/** useNames says codes and ids as people call them. */
export function useNames() {
  const { people, matters, grids, street } = useWorld()
  const { name, t, locale } = useWords()

  const gridNames = computed(() => {
    const key = locale.value === 'en' ? 'name_en' : 'name_zh'
    return new Map((grids.value?.features ?? []).map((f) => [String(f.properties?.code), String(f.properties?.[key] ?? f.properties?.code)]))
  })
  const departments = computed(() => new Map((street.value?.departments ?? []).map((d) => [d.code, name(d.name)])))

  return {
    person: (id: string | undefined | null) => (id ? name(people.get(id)?.label) || id : ''),
    /** number is the short form of a person for the map: 017. */
    number: (id: string) => /(\d+)\s*$/.exec(people.get(id)?.label.zh ?? id)?.[1] ?? id,
    matter: (code: string) => name(matters.value.get(code)?.name) || code,
    title: (c: Case) => c.title || name(matters.value.get(c.matter)?.name) || c.matter,
    hazard: (h: Hazard) => name(h.title) || h.rule,
    grid: (code: string | undefined) => (code ? (gridNames.value.get(code) ?? code) : t('app.unknown')),
    department: (code: string | undefined | null) => (code === 'desk' ? t('parallel.desk') : code ? (departments.value.get(code) ?? code) : ''),
  }
}
