import { computed } from 'vue'
import { createI18n, useI18n } from 'vue-i18n'
import type { Name } from '../api/types'
import { roundMetres } from '../geo'
import type { Translate } from '../time'
import { en } from './en'
import { zh } from './zh'

type Locale = 'zh-CN' | 'en'

const kept = localStorage.getItem('gridhub.locale') as Locale | null

export const i18n = createI18n({
  legacy: false,
  locale: kept ?? 'zh-CN',
  fallbackLocale: 'zh-CN',
  messages: { 'zh-CN': zh, en },
})

/** useWords gives the page's words, and the right half of a bilingual name. */
export function useWords() {
  const { t, te, locale } = useI18n({ useScope: 'global' })
  const say: Translate = (key, args) => t(key, args ?? {})
  const name = (n: Name | undefined | null) => (n ? (locale.value === 'en' ? n.en : n.zh) || n.zh : '')
  /** word translates a code, and shows the code itself where no word is known. */
  const word = (group: string, code: string) => (te(`${group}.${code}`) ? t(`${group}.${code}`) : code)
  const switchLocale = () => {
    locale.value = locale.value === 'en' ? 'zh-CN' : 'en'
    localStorage.setItem('gridhub.locale', locale.value)
    document.documentElement.lang = locale.value
  }
  return { t: say, name, word, locale: computed(() => locale.value), switchLocale }
}

/** useFar says a distance, rounded to what matters on foot: 210 米, 1.2 公里. */
export function useFar() {
  const { t } = useWords()
  return (metres: number) => (metres < 1000 ? t('field.far', { n: roundMetres(metres) }) : t('field.farKm', { n: (metres / 1000).toFixed(1) }))
}
