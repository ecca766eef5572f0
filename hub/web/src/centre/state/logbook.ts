import { ref, watch, type Ref } from 'vue'
import { api, take } from '@/shared/api/client'
import type { Hazard, LogEntry } from '@/shared/api/types'
import { useWorld } from './world'

/** useLogbook is what happened to a device, newest first; null while it is asked for. */
export function useLogbook(id: Ref<string>) {
  const { devices } = useWorld()
  const events = ref<LogEntry[] | null>(null)
  const spared = ref<Hazard[]>([])

  async function load(): Promise<void> {
    const device = id.value
    const book = await take(api.GET('/api/v1/devices/{device}/logbook', { params: { path: { device } } })).catch(() => null)
    if (device !== id.value) return // somebody selected another one meanwhile
    events.value = book?.events ?? []
    spared.value = book?.suppressed ?? []
  }

  watch(id, () => { events.value = null; spared.value = []; void load() }, { immediate: true })
  // What changes the device's state was written into its book as well.
  watch(() => { const d = devices.get(id.value); return [d?.unit, d?.removed, d?.maintenance?.until, !d?.maintenance, d?.person, d?.vehicle, d?.profile].join() }, load)

  return { events, spared }
}
