// The gateways, and which of them need a person.
import { computed, ref, shallowRef } from 'vue'
import { api, list } from '@/shared/api/client'
import type { GatewayState } from '@/shared/api/types'

export type Need = 'unknown' | 'offline' | 'remark' | 'fault' | 'clock' | 'backlog'

/** More readings than a gateway of fifty devices makes in an hour: its way to the hub does not keep up. */
const manyReadings = 20_000

/** needs lists why a person must look at a gateway, the most pressing first. */
export function needs(g: GatewayState): Need[] {
  if (!g.seen) return ['unknown']
  const out: Need[] = []
  if (!g.online) out.push('offline')
  if (g.faults.length) out.push('fault')
  if (g.remark) out.push('remark')
  if (g.clock?.bad) out.push('clock')
  if (g.online && g.pending > manyReadings) out.push('backlog')
  return out
}

const order: Need[] = ['offline', 'fault', 'remark', 'clock', 'backlog', 'unknown']

/** byNeed puts first who needs somebody most; those that need nobody stay in the order of their names. */
export function byNeed(a: GatewayState, b: GatewayState): number {
  const rank = (g: GatewayState) => { const n = needs(g)[0]; return n ? order.indexOf(n) : order.length }
  return rank(a) - rank(b) || a.id.localeCompare(b.id)
}

const all = shallowRef<GatewayState[] | null>(null)
const failure = ref('')

async function read(): Promise<void> {
  try {
    all.value = await list(api.GET('/api/v1/gateways'))
    failure.value = ''
  } catch (e) {
    failure.value = e instanceof Error ? e.message : String(e)
  }
}

export function useGateways() {
  return { all: computed(() => all.value && [...all.value].sort(byNeed)), failure, read }
}
