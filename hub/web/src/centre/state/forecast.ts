// How likely open cases are to overrun a limit, as the hub counts it.
import { onMounted, onUnmounted, shallowRef } from 'vue'
import { api, list } from '@/shared/api/client'
import type { Risk } from '@/shared/api/types'

const every = 60_000
const risks = shallowRef(new Map<string, Risk>())
let readers = 0
let timer = 0

async function load(): Promise<void> {
  const all = await list(api.GET('/api/v1/forecast')).catch(() => undefined) // the last answer stays
  if (all) risks.value = new Map(all.map((r) => [r.case, r]))
}

/** share is the part of such cases that were late; -1 where nothing is known. */
export const share = (r: Risk | undefined): number => (r ? r.late / r.such : -1)

/** useForecast asks once a minute as long as somebody looks. */
export function useForecast() {
  onMounted(() => {
    if (readers++) return
    void load()
    timer = window.setInterval(load, every)
  })
  onUnmounted(() => { if (!--readers) clearInterval(timer) })
  return { risks }
}
