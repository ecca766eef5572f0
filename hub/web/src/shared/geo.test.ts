import { expect, it } from 'vitest'
import { bearing, direction, distance, isPlace, roundMetres } from './geo'

const west = { lon: 120.15, lat: 30.27 }

it('measures along the equator and the meridian', () => {
  expect(distance({ lon: 0, lat: 0 }, { lon: 1, lat: 0 })).toBeCloseTo(111195, 0)
  expect(distance({ lon: 0, lat: 0 }, { lon: 0, lat: 1 })).toBeCloseTo(111195, 0)
  expect(distance(west, west)).toBe(0)
})

it('points the eight ways', () => {
  const step = (lon: number, lat: number) => direction(bearing(west, { lon: west.lon + lon * 1.158e-3, lat: west.lat + lat * 1e-3 }))
  expect([step(0, 1), step(1, 1), step(1, 0), step(1, -1), step(0, -1), step(-1, -1), step(-1, 0), step(-1, 1)])
    .toEqual(['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw'])
  expect(direction(359)).toBe('n')
})

it('rounds as people speak', () => {
  expect([roundMetres(43), roundMetres(138), roundMetres(1260)]).toEqual([45, 140, 1300])
})

it('knows the null island from a place', () => {
  expect(isPlace({ lon: 0, lat: 0 })).toBe(false)
  expect(isPlace(undefined)).toBe(false)
  expect(isPlace(west)).toBe(true)
})
