// What lives on the map, as GeoJSON. Pure: state in, features out.
import type { Camera, Case, Device, PersonState, Progress, Track } from '@/shared/api/types'
import { look, severityRank } from '@/shared/cases'
import { isPlace } from '@/shared/geo'
import type { Health, Standing } from '@/shared/map/symbols'
import { short } from '@/shared/time'
import type { useReading } from '@/shared/units'
import { deviceIcon } from '@/shared/ui/icons'

type Feature = GeoJSON.Feature

/** After this a position no longer says where somebody is. */
export const stalePosition = 5 * 60_000

export function collection(features: Feature[]): GeoJSON.FeatureCollection {
  return { type: 'FeatureCollection', features }
}

export function point(lon: number, lat: number, properties: Record<string, unknown>): Feature {
  return { type: 'Feature', geometry: { type: 'Point', coordinates: [lon, lat] }, properties }
}

export function line(coordinates: number[][], properties: Record<string, unknown>): Feature {
  return { type: 'Feature', geometry: { type: 'LineString', coordinates }, properties }
}

export function caseFeature(c: Case, now: number, scale: number): Feature | undefined {
  if (!isPlace(c.place)) return undefined
  const how = look(c, now)
  const rank = severityRank(c.severity)
  return point(c.place.lon, c.place.lat, { id: c.id, kind: 'case', image: `case-${how}`, number: c.number, size: (0.5 + rank * 0.09) * scale, order: how === 'over' ? 10 : rank })
}

export function cameraFeature(c: Camera): Feature | undefined {
  return isPlace(c.place) ? point(c.place.lon, c.place.lat, { id: c.id, kind: 'camera', image: `device-camera-${c.fault ? 'fault' : 'fresh'}` }) : undefined
}

/** age of a device's newest reading, and whether it is too old to be trusted. */
export function deviceHealth(d: Device, now: number): Health {
  if (d.removed) return 'removed'
  if (d.hazard) return 'hazard'
  if (d.maintenance) return 'service'
  if (d.health === 'fault' || d.health === 'unknown') return d.health
  const patience = Math.max(3 * d.period_ms, 60_000)
  return d.health === 'stale' || now - d.heard > patience ? 'stale' : 'fresh'
}

export function deviceFeature(d: Device, now: number, inks: Record<Health, string>, say: ReturnType<typeof useReading>, chosen: boolean): Feature | undefined {
  const { lon, lat } = d.place
  if (!isPlace({ lon, lat }) || d.removed) return undefined
  const health = deviceHealth(d, now)
  return point(lon as number, lat as number, {
    id: d.id, kind: 'device', image: `device-${deviceIcon(d.kind)}-${health}`, label: d.vehicle || deviceLabel(d, now, say), ink: inks[health],
    ringed: chosen || health === 'hazard',
    order: health === 'hazard' ? 0 : health === 'fault' ? 1 : 2, // labels of what matters are placed first
  })
}

function deviceLabel(d: Device, now: number, say: ReturnType<typeof useReading>): string {
  const v = d.values?.[0]
  if (!v || v.value === null || v.value === undefined) return '—'
  const said = say(v.name, v.value, v.unit)
  return `${said.figure}${said.unit && ' '}${said.unit} · ${short(now - v.at)}`
}

export function standing(p: PersonState, now: number): Standing {
  if (now - p.at > stalePosition) return 'stale'
  return p.case ? 'busy' : 'free'
}

export function personFeature(p: PersonState, at: [number, number], said: { number: string; name: string }, now: number): Feature {
  const how = standing(p, now)
  const age = how === 'stale' ? ` · ${short(now - p.at)}` : ''
  return point(at[0], at[1], { id: p.id, kind: 'person', image: `person-${how}`, label: said.number + age, name: said.name + age, accuracy: p.accuracy_m, stale: how === 'stale' })
}

/** trackFeatures draws the way, broken where nothing is known, and the stays with their times. */
export function trackFeatures(track: Track, say: (ms: number) => string): { lines: Feature[]; stays: Feature[] } {
  const fixes = track.fixes ?? []
  const gaps = track.gaps ?? []
  const lines: Feature[] = []
  let run: number[][] = []
  fixes.forEach((f, i) => {
    const before = fixes[i - 1]
    if (before && gaps.some((g) => g.from <= before.at && g.to >= f.at)) {
      if (run.length > 1) lines.push(line(run, { gap: false }))
      lines.push(line([[before.lon, before.lat], [f.lon, f.lat]], { gap: true }))
      run = []
    }
    run.push([f.lon, f.lat])
  })
  if (run.length > 1) lines.push(line(run, { gap: false }))
  const stays = (track.stays ?? []).map((s) => point(s.lon, s.lat, { label: say(s.to - s.from) }))
  return { lines, stays }
}

export function routeFeatures(progress: Progress): Feature[] {
  const stops = progress.route.stops ?? []
  const visited = new Set((progress.visits ?? []).filter((v) => v.counts).map((v) => v.point))
  const way = stops.length > 1 ? [line(stops.map((s) => [s.place.lon, s.place.lat]), {})] : []
  return [...way, ...stops.map((s) => point(s.place.lon, s.place.lat, { done: visited.has(s.id) }))]
}
