// The layers of what lives on the map, above the ground.
import type { ExpressionSpecification, MapLibre } from '@/shared/map/lib'
import { nothing, scale, textFont, token } from '@/shared/map/style'

export const sources = ['routes', 'track', 'stays', 'trails', 'people', 'devices', 'cameras', 'cases', 'chosen'] as const
export type SourceName = (typeof sources)[number]

/** The switches of the layer menu, and the layers that each shows. */
export const groups = {
  people: ['people', 'people-accuracy'],
  trails: ['trails'],
  devices: ['devices', 'devices-value'],
  cameras: ['cameras'],
  cases: ['cases'],
  routes: ['routes', 'routes-stops'],
  grids: ['grid-line', 'grid-label'],
} as const
export type Group = keyof typeof groups

// Metres to pixels at 30° north: 78271.5 m per pixel at zoom 0 on 512 px tiles.
const metres = (property: string): ExpressionSpecification =>
  ['interpolate', ['exponential', 2], ['zoom'], 10, ['/', ['get', property], 66.2], 22, ['*', ['get', property], 61.9]]

export function addLayers(map: MapLibre): void {
  const s = scale()
  for (const name of sources) map.addSource(name, { type: 'geojson', data: nothing, ...(name === 'devices' || name === 'people' ? { promoteId: 'id' } : {}) })
  const halo = { 'text-halo-color': token('map-halo'), 'text-halo-width': 1.5 }

  map.addLayer({ id: 'routes', type: 'line', source: 'routes', filter: ['==', ['geometry-type'], 'LineString'],
    paint: { 'line-color': token('text-3'), 'line-width': 1.5 * s, 'line-dasharray': [1, 2] } })
  map.addLayer({ id: 'routes-stops', type: 'circle', source: 'routes', filter: ['==', ['geometry-type'], 'Point'],
    paint: { 'circle-radius': 3.5 * s, 'circle-color': ['case', ['get', 'done'], token('hand'), token('map-ground')], 'circle-stroke-color': ['case', ['get', 'done'], token('hand'), token('text-3')], 'circle-stroke-width': 1.5 * s } })
  map.addLayer({ id: 'track', type: 'line', source: 'track', filter: ['!', ['get', 'gap']], layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': token('accent'), 'line-width': 2.5 * s, 'line-opacity': 0.8 } })
  map.addLayer({ id: 'track-gap', type: 'line', source: 'track', filter: ['get', 'gap'],
    paint: { 'line-color': token('text-3'), 'line-width': 1.5 * s, 'line-dasharray': [0.5, 3] } })
  map.addLayer({ id: 'stays', type: 'symbol', source: 'stays',
    layout: { 'text-field': ['get', 'label'], 'text-font': textFont, 'text-size': 11 * s, 'text-offset': [0, 1.1], 'icon-image': 'stay', 'icon-size': s, 'icon-allow-overlap': true, 'text-allow-overlap': true },
    paint: { 'text-color': token('accent'), ...halo } })
  map.addLayer({ id: 'trails', type: 'line', source: 'trails', minzoom: 13.5, layout: { 'line-cap': 'round' },
    paint: { 'line-color': token('map-person'), 'line-opacity': ['get', 'fade'], 'line-width': 1.5 * s } })
  map.addLayer({ id: 'people-accuracy', type: 'circle', source: 'people', minzoom: 14.5,
    paint: { 'circle-radius': metres('accuracy'), 'circle-color': token('map-person'), 'circle-opacity': 0.06, 'circle-stroke-width': 1, 'circle-stroke-color': token('map-person'), 'circle-stroke-opacity': 0.2 } })
  map.addLayer({ id: 'chosen', type: 'symbol', source: 'chosen',
    layout: { 'icon-image': 'ring', 'icon-size': s, 'icon-allow-overlap': true, 'icon-ignore-placement': true } })
  map.addLayer({ id: 'devices', type: 'symbol', source: 'devices',
    layout: { 'icon-image': ['get', 'image'], 'icon-size': ['interpolate', ['linear'], ['zoom'], 13, 0.55 * s, 16, 0.9 * s], 'icon-allow-overlap': true, 'symbol-sort-key': ['get', 'order'] } })
  map.addLayer({ id: 'cameras', type: 'symbol', source: 'cameras',
    layout: { 'icon-image': ['get', 'image'], 'icon-size': ['interpolate', ['linear'], ['zoom'], 13, 0.55 * s, 16, 0.9 * s], 'icon-allow-overlap': true } })
  const below: ExpressionSpecification = ['case', ['get', 'ringed'], ['literal', [0, 2.8]], ['literal', [0, 1.5]]] // a ring wants room
  map.addLayer({ id: 'devices-value', type: 'symbol', source: 'devices', minzoom: 14.6,
    layout: { 'text-field': ['get', 'label'], 'text-font': textFont, 'text-size': 11 * s, 'text-offset': below, 'text-anchor': 'center', 'text-max-width': 12, 'symbol-sort-key': ['get', 'order'] },
    paint: { 'text-color': ['get', 'ink'], ...halo } })
  map.addLayer({ id: 'cases', type: 'symbol', source: 'cases',
    layout: { 'icon-image': ['get', 'image'], 'icon-size': ['get', 'size'], 'icon-allow-overlap': true, 'symbol-sort-key': ['get', 'order'], 'text-field': ['step', ['zoom'], '', 15.2, ['get', 'number']], 'text-font': textFont, 'text-size': 10.5 * s, 'text-offset': [0, -1.3], 'text-optional': true },
    paint: { 'text-color': token('text-2'), ...halo } })
  map.addLayer({ id: 'people', type: 'symbol', source: 'people',
    layout: { 'icon-image': ['get', 'image'], 'icon-size': 0.85 * s, 'icon-allow-overlap': true, 'text-field': ['step', ['zoom'], '', 14.2, ['get', 'label'], 16, ['get', 'name']], 'text-font': textFont, 'text-size': 11 * s, 'text-offset': [0.9, 0], 'text-anchor': 'left', 'text-optional': true },
    paint: { 'text-color': ['case', ['get', 'stale'], token('stale'), token('text-2')], ...halo } })
}
