import { ref, watch, type Ref } from 'vue'

const open = new Map<string, Ref<unknown>>()

/**
 * stored is a ref that outlives the page, in localStorage; it holds no
 * secrets. The same key is the same ref everywhere on the page.
 */
export function stored<T>(key: string, initial: T): Ref<T> {
  const name = `gridhub.${key}`
  const known = open.get(name)
  if (known) return known as Ref<T>
  const kept = localStorage.getItem(name)
  const value = ref(kept === null ? initial : (JSON.parse(kept) as T)) as Ref<T>
  watch(value, (v) => localStorage.setItem(name, JSON.stringify(v)), { deep: true })
  open.set(name, value as Ref<unknown>)
  return value
}

/** useTheme applies and keeps the choice of light or dark. */
export function useTheme(initial: 'dark' | 'light') {
  const theme = stored<'dark' | 'light'>(`theme.${initial}`, initial)
  watch(theme, (v) => { document.documentElement.dataset.theme = v }, { immediate: true, flush: 'sync' })
  return theme
}
