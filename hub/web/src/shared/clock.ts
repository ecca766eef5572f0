// The hub's clock, as the pages use it. Ages and remaining times are measured
// against the hub, not against a desk computer that may be minutes off.
import { readonly, ref } from 'vue'

let offset = 0
const current = ref(Date.now())

/** now in ms by the hub's clock, ticking once a second. */
export const now = readonly(current)

export function hubNow(): number {
  return Date.now() + offset
}

/** setHubClock learns the hub's time from a beat of the stream. */
export function setHubClock(ms: number): void {
  offset = ms - Date.now()
  current.value = hubNow()
}

/**
 * hearHubClock learns the hub's time from the Date of any answer, for pages
 * without a stream. It is cut to whole seconds and has been on its way, so only
 * a clock that is clearly off is corrected by it.
 */
export function hearHubClock(date: string | null): void {
  const heard = Date.parse(date ?? '') + 500
  if (Math.abs(heard - hubNow()) > 3_000) setHubClock(heard) // NaN is never greater
}

setInterval(() => {
  current.value = hubNow()
}, 1000)
