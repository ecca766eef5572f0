// Where this phone is. Watched only on duty; one fix every ten seconds goes up.
import { computed, ref, shallowRef, watch } from 'vue'
import type { Point } from '@/shared/api/types'
import { useDuty } from './duty'
import { drain } from './link'
import { ready } from './phone'

export interface Fix extends Point { at: number; accuracy: number; speed: number | null; heading: number | null }

const every = 10_000
const options: PositionOptions = { enableHighAccuracy: true, maximumAge: 5_000, timeout: 30_000 }
const fix = shallowRef<Fix | null>(null)
const denied = ref(false)
const dropped = ref(0)
let watching: number | null = null
let told = 0
let battery: number | undefined

interface BatteryManager extends EventTarget { level: number }
const withBattery = navigator as Navigator & { getBattery?: () => Promise<BatteryManager> }
void withBattery.getBattery?.().then((b) => {
  battery = b.level
  b.addEventListener('levelchange', () => { battery = b.level })
})

function take(p: GeolocationPosition): void {
  const c = p.coords
  denied.value = false
  fix.value = { lon: c.longitude, lat: c.latitude, accuracy: c.accuracy, speed: c.speed, heading: Number.isNaN(c.heading) ? null : c.heading, at: Math.round(p.timestamp) }
  if (Date.now() - told >= every) void tell(fix.value)
}

async function tell(f: Fix): Promise<void> {
  told = Date.now()
  const body: Record<string, unknown> = { at: f.at, lon: f.lon, lat: f.lat, accuracy: f.accuracy, source: 'gnss' }
  if (f.speed !== null) body.speed = f.speed
  if (f.heading !== null) body.heading = f.heading
  if (battery !== undefined) body.battery = battery
  const { uplink } = await ready()
  await uplink.add('position', body)
  dropped.value = uplink.dropped
  void drain()
}

function start(): void {
  if (watching !== null || !('geolocation' in navigator)) return
  watching = navigator.geolocation.watchPosition(take, (e) => { denied.value = e.code === e.PERMISSION_DENIED }, options)
}

function stop(): void {
  if (watching !== null) navigator.geolocation.clearWatch(watching)
  watching = null
  fix.value = null
}

/** followDuty watches while on duty, and only then; call it once, at the root. */
export function followDuty(): void {
  const { onDuty } = useDuty()
  watch(onDuty, (on) => (on ? start() : stop()), { immediate: true })
  // A phone that lies still reports no change. It is asked for a new fix then:
  // an old one is never sent again as if it were new.
  setInterval(() => {
    if (watching !== null && Date.now() - told >= 3 * every) navigator.geolocation.getCurrentPosition(take, () => undefined, options)
  }, every)
}

/** whereNow asks once, also off duty: for an SOS. */
export function whereNow(): Promise<Fix | null> {
  if (fix.value && Date.now() - fix.value.at < 60_000) return Promise.resolve(fix.value)
  return new Promise((resolve) => {
    if (!('geolocation' in navigator)) return resolve(null)
    navigator.geolocation.getCurrentPosition((p) => { take(p); resolve(fix.value) }, () => resolve(null), { enableHighAccuracy: true, maximumAge: 60_000, timeout: 8_000 })
  })
}

export function usePlace() {
  return { fix: computed(() => fix.value), denied, dropped }
}
