// The ground of the map, drawn from our own GeoJSON and the page's tokens.
// There are no tiles and no fonts from elsewhere: letters are drawn from the
// system's fonts.
import type { StyleSpecification } from './lib'

export type Collection = GeoJSON.FeatureCollection

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

export function groundStyle(grids: Collection, roads: Collection, label: 'name_zh' | 'name_en'): StyleSpecification {
  const s = scale()
  return {
    version: 8,
    sources: { grids: { type: 'geojson', data: grids }, roads: { type: 'geojson', data: roads } },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': token('map-ground') } },
      { id: 'grid-fill', type: 'fill', source: 'grids', paint: { 'fill-color': token('map-grid') } },
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
      {
        id: 'grid-label', type: 'symbol', source: 'grids',
        layout: { 'text-field': ['coalesce', ['get', label], ['get', 'code']], 'text-font': textFont, 'text-size': 11 * s, 'text-max-width': 8, 'text-allow-overlap': true },
        paint: { 'text-color': token('map-label'), 'text-halo-color': token('map-halo'), 'text-halo-width': 1.5, 'text-opacity': 0.85 },
      },
    ],
  }
}
