import { expect, it } from 'vitest'
import { within } from './view'

const street = [120, 30, 120.1, 30.1]
const size = { width: 512, height: 512 } // at zoom 15: 0.011° wide, 0.0095° high

it('leaves a place in the middle of the street in the middle of the view', () => {
  expect(within({ lon: 120.05, lat: 30.05 }, street, 15, size)).toEqual({ lon: 120.05, lat: 30.05 })
})

it('stops at the edges of the street', () => {
  const corner = within({ lon: 120.1, lat: 30 }, street, 15, size)
  expect(corner.lon).toBeCloseTo(120.1 - 360 / 2 ** 15 / 2, 6)
  expect(corner.lat).toBeCloseTo(30 + (360 / 2 ** 15 / 2) * Math.cos(Math.PI / 6), 6)
})

it('shows a street that is smaller than the view in the middle', () => {
  expect(within({ lon: 120.1, lat: 30.1 }, street, 8, size)).toEqual({ lon: 120.05, lat: 30.05 })
})
