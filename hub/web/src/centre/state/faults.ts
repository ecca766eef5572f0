// What is broken between the sensors and the hub, and whose clocks are off.
import { computed, reactive, ref, shallowRef } from 'vue'
import { api, list } from '@/shared/api/client'
import type { ClockState, Fault } from '@/shared/api/types'
import { now } from '@/shared/clock'

const faults = reactive(new Map<string, Fault>())
const clocks = shallowRef<ClockState[]>([])
const failure = ref('')

const hour = 3_600_000

/** read takes what lasts and what was over within the last hour; what the stream told meanwhile is newer. */
async function read(): Promise<void> {
  try {
    const [f, c] = await Promise.all([
      list(api.GET('/api/v1/faults', { params: { query: { from: now.value - hour, limit: 500 } } })),
      list(api.GET('/api/v1/clocks')),
    ])
    faults.clear()
    for (const x of f) faults.set(x.id, x)
    clocks.value = c
    failure.value = ''
  } catch (e) {
    failure.value = e instanceof Error ? e.message : String(e)
  }
}

/** How much is behind one: a supply before a line before a sensor. */
const weight = (f: Fault) => (f.devices ?? []).length
const all = computed(() => [...faults.values()])

export function useFaults() {
  return {
    failure, read,
    open: computed(() => all.value.filter((f) => !f.until).sort((a, b) => weight(b) - weight(a) || a.since - b.since)),
    past: computed(() => all.value.filter((f) => f.until && !f.into && f.until > now.value - hour).sort((a, b) => (b.until ?? 0) - (a.until ?? 0))),
    badClocks: computed(() => clocks.value.filter((c) => c.bad)),
    clockOf: (id: string) => clocks.value.find((c) => c.id === id),
    of: (id?: string) => (id ? faults.get(id) : undefined),
    onFault: (f: Fault) => void faults.set(f.id, f),
  }
}
