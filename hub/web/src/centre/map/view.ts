// Where the map looks. Pure: numbers in, numbers out.
import type { Point } from '@/shared/api/types'

const world = 512 // px of the whole world at zoom 0

/**
 * within moves the middle of a view as little as needed so that no more than
 * necessary lies outside the street: half a screen of nothing helps nobody.
 * bounds are west, south, east, north; size is the view's, in px.
 */
export function within(middle: Point, bounds: readonly number[], zoom: number, size: { width: number; height: number }): Point {
  const [west = -180, south = -85, east = 180, north = 85] = bounds
  const degrees = 360 / (world * 2 ** zoom) // of longitude per px
  const halfLon = (size.width * degrees) / 2
  const halfLat = ((size.height * degrees) / 2) * Math.cos((middle.lat * Math.PI) / 180)
  return { lon: held(middle.lon, west + halfLon, east - halfLon), lat: held(middle.lat, south + halfLat, north - halfLat) }
}

/** held keeps a number between two others, and halfway where they have crossed. */
function held(x: number, least: number, most: number): number {
  return least > most ? (least + most) / 2 : Math.min(most, Math.max(least, x))
}
