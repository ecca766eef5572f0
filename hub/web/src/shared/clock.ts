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

setInterval(() => {
  current.value = hubNow()
}, 1000)
