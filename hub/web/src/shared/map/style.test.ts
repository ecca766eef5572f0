import { expect, it } from 'vitest'
import { middles, nothing } from './style'

it('names an area once, in its middle', () => {
  const square = [[120, 30], [120.02, 30], [120.02, 30.01], [120, 30.01], [120, 30]]
  const grids = { ...nothing, features: [{ type: 'Feature' as const, properties: { code: 'G01' }, geometry: { type: 'Polygon' as const, coordinates: [square] } }] }
  const point = middles(grids).features[0]
  expect(point?.properties?.code).toBe('G01')
  const [lon, lat] = (point?.geometry as GeoJSON.Point).coordinates
  expect(lon).toBeCloseTo(120.01, 9)
  expect(lat).toBeCloseTo(30.005, 9)
})
