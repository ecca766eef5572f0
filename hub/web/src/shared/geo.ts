// The geometry that pages need for themselves: how far, which way. The hub's
// own answers (ETA, nearness of an arrival) are never computed here.
import type { Point } from './api/types'

const radius = 6371008.8 // mean radius, IUGG R1, metres
const rad = Math.PI / 180

/** distance in metres on the great circle (haversine, good to 0.5 %). */
export function distance(a: Point, b: Point): number {
  const dLat = ((b.lat - a.lat) * rad) / 2
  const dLon = ((b.lon - a.lon) * rad) / 2
  const h = Math.sin(dLat) ** 2 + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(dLon) ** 2
  return 2 * radius * Math.asin(Math.min(1, Math.sqrt(h)))
}

/** bearing from a to b in degrees clockwise from north, 0 <= bearing < 360. */
export function bearing(a: Point, b: Point): number {
  const dLon = (b.lon - a.lon) * rad
  const y = Math.sin(dLon) * Math.cos(b.lat * rad)
  const x = Math.cos(a.lat * rad) * Math.sin(b.lat * rad) - Math.sin(a.lat * rad) * Math.cos(b.lat * rad) * Math.cos(dLon)
  return (Math.atan2(y, x) / rad + 360) % 360
}

export const compass = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'] as const

/** direction names the eighth of the compass in which a bearing lies. */
export function direction(degrees: number): (typeof compass)[number] {
  return compass[Math.round((((degrees % 360) + 360) % 360) / 45) % 8] as (typeof compass)[number]
}

/** roundMetres is a distance as people say it: 5 m steps below 100, 10 below 1000. */
export function roundMetres(m: number): number {
  if (m < 100) return Math.round(m / 5) * 5
  if (m < 1000) return Math.round(m / 10) * 10
  return Math.round(m / 100) * 100
}

export function isPlace(p: Partial<Point> | null | undefined): p is Point {
  return !!p && Number.isFinite(p.lon) && Number.isFinite(p.lat) && (p.lon !== 0 || p.lat !== 0)
}
