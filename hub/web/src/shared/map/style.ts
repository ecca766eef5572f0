// The ground of the map, drawn from our own GeoJSON and the page's tokens.
// There are no tiles and no fonts from elsewhere: letters are drawn from the
// system's fonts.
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from './lib'

export type Collection = GeoJSON.FeatureCollection

/** Land is what lies still: water, parks and buildings, the roads, the grids. */
export interface Land {
  ground: Collection
  roads: Collection
  grids: Collection
}

export const nothing: Collection = { type: 'FeatureCollection', features: [] }

/** token reads a colour of tokens.css, as it stands in the present theme. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

/** textFont names the page's fonts to the map's own letter drawer. */
export const textFont = ['system-ui, PingFang SC, Noto Sans SC, Noto Sans CJK SC, Microsoft YaHei, sans-serif']

/** scale grows symbols with the wall: 1 at 16 px per rem. */
export function scale(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16
}

const kind = (...kinds: string[]): ExpressionSpecification => ['in', ['get', 'kind'], ['literal', kinds]]

/** groundLayers draws water, parks and squares below the roads. Houses come near the ground only. */
function groundLayers(): LayerSpecification[] {
  return [
    { id: 'park', type: 'fill', source: 'ground', filter: kind('park', 'square'), paint: { 'fill-color': ['match', ['get', 'kind'], 'park', token('map-park'), token('map-square')] } },
    { id: 'building', type: 'fill', source: 'ground', filter: kind('building'), minzoom: 13.6, paint: { 'fill-color': token('map-building'), 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 13.6, 0, 14.6, 1] } },
    { id: 'water', type: 'fill', source: 'ground', filter: kind('water', 'pond'), paint: { 'fill-color': token('map-water') } },
  ]
}

/** placeNames says the names of water, parks and well-known houses, quieter than the grids'. */
function placeNames(label: 'name_zh' | 'name_en', s: number): LayerSpecification {
  return {
    id: 'place-name', type: 'symbol', source: 'ground', minzoom: 14.4, filter: ['has', 'name'],
    layout: { 'text-field': ['get', label === 'name_en' ? 'name_en' : 'name'], 'text-font': textFont, 'text-size': 10.5 * s, 'text-max-width': 8, 'text-padding': 12 },
    paint: { 'text-color': token('map-label'), 'text-halo-color': token('map-halo'), 'text-halo-width': 1.2, 'text-opacity': 0.7 },
  }
}

/**
 * middles is one point per grid for its name. A name of an area would be set
 * once for each tile that the area touches.
 */
export function middles(grids: Collection): Collection {
  return { ...grids, features: grids.features.map((f) => ({ ...f, geometry: { type: 'Point', coordinates: middle(f.geometry) } })) }
}

function middle(g: GeoJSON.Geometry): [number, number] {
  const ring = g.type === 'Polygon' ? g.coordinates[0] : g.type === 'MultiPolygon' ? g.coordinates[0]?.[0] : undefined
  let area = 0, x = 0, y = 0
  const [ox = 0, oy = 0] = ring?.[0] ?? []
  ring?.forEach(([ax = 0, ay = 0], i) => {
    const [bx = 0, by = 0] = ring[i + 1] ?? ring[0] ?? []
    const cross = (ax - ox) * (by - oy) - (bx - ox) * (ay - oy) // from the first corner: degrees are large, grids small
    area += cross / 2
    x += ((ax + bx - 2 * ox) * cross) / 6
    y += ((ay + by - 2 * oy) * cross) / 6
  })
  return area ? [ox + x / area, oy + y / area] : [ox, oy]
}

export function groundStyle(land: Land, label: 'name_zh' | 'name_en'): StyleSpecification {
  const s = scale()
  return {
    version: 8,
    sources: { ground: { type: 'geojson', data: land.ground }, grids: { type: 'geojson', data: land.grids }, 'grid-names': { type: 'geojson', data: middles(land.grids) }, roads: { type: 'geojson', data: land.roads } },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': token('map-ground') } },
      { id: 'grid-fill', type: 'fill', source: 'grids', paint: { 'fill-color': token('map-grid') } },
      ...groundLayers(),
      {
        id: 'road', type: 'line', source: 'roads',
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: {
          'line-color': ['match', ['get', 'class'], ['primary', 'secondary', 'trunk', 'main'], token('map-road-main'), token('map-road')],
          'line-width': [
            'interpolate', ['exponential', 1.6], ['zoom'],
            12, ['match', ['get', 'class'], ['primary', 'secondary', 'trunk', 'main'], 1.6 * s, 0.5 * s],
            17, ['match', ['get', 'class'], ['primary', 'secondary', 'trunk', 'main'], 14 * s, 7 * s],
          ],
        },
      },
      { id: 'grid-line', type: 'line', source: 'grids', paint: { 'line-color': token('map-grid-line'), 'line-width': s, 'line-dasharray': [3, 2] } },
      placeNames(label, s),
      {
        id: 'grid-label', type: 'symbol', source: 'grid-names',
        layout: { 'text-field': ['coalesce', ['get', label], ['get', 'code']], 'text-font': textFont, 'text-size': 11 * s, 'text-max-width': 8, 'text-allow-overlap': true },
        paint: { 'text-color': token('map-label'), 'text-halo-color': token('map-halo'), 'text-halo-width': 1.5, 'text-opacity': 0.85 },
      },
    ],
  }
}
