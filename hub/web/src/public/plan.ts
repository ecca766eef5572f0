// The plan of the street as the canvas draws it, and which grid a place is in.
import { reactive } from 'vue'
import { ask, type Place } from './hub'

/** scale is metres per pixel; the middle of the view is a place. */
export interface View { lon: number; lat: number; scale: number; w: number; h: number }
interface Grid { zh: string; en: string; ring: number[][] }
interface Feature { properties: Record<string, string>; geometry: { type: string; coordinates: unknown } }

const metresPerDegree = 111_320

async function features(name: string): Promise<Feature[]> {
  const c = await ask<{ features: Feature[] }>('GET', `public/${name}`).catch(() => ({ features: [] }))
  return c.features
}

const ringOf = (f: Feature) => (f.geometry.type === 'Polygon' ? (f.geometry.coordinates as number[][][])[0] : (f.geometry.coordinates as number[][][][])[0]?.[0]) ?? []

let roads: { line: number[][]; main: boolean }[] = []
let ground: { ring: number[][]; kind: string }[] = []
let loading = false

export const layers = reactive({
  ready: 0,
  grids: [] as Grid[],
  /** load asks for the grids and roads first; the houses are many, and come last. */
  async load(): Promise<void> {
    if (loading || layers.ready) return
    loading = true
    const [g, r] = await Promise.all([features('grids'), features('roads')])
    layers.grids = g.map((f) => ({ zh: f.properties.name_zh ?? '', en: f.properties.name_en ?? '', ring: ringOf(f) }))
    roads = r.filter((f) => f.geometry.type === 'LineString').map((f) => ({ line: f.geometry.coordinates as number[][], main: f.properties.class === 'main' }))
    layers.ready = g.length ? 1 : 0
    if (g.length) {
      ground = (await features('ground')).filter((f) => f.geometry.type === 'Polygon').map((f) => ({ ring: ringOf(f), kind: f.properties.kind ?? '' }))
      layers.ready = 2
    }
    loading = false
  },
})

export function gridAt(p: Place): Grid | undefined {
  return layers.grids.find((g) => within(g.ring, p.lon, p.lat))
}

function within(ring: number[][], x: number, y: number): boolean {
  let is = false
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [xi = 0, yi = 0] = ring[i] ?? []
    const [xj = 0, yj = 0] = ring[j] ?? []
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) is = !is
  }
  return is
}

const narrow = (v: View) => metresPerDegree * Math.cos((v.lat * Math.PI) / 180)

export function toPlace(v: View, x: number, y: number): Place {
  return { lon: v.lon + ((x - v.w / 2) * v.scale) / narrow(v), lat: v.lat - ((y - v.h / 2) * v.scale) / metresPerDegree }
}

function toPixel(v: View, lon: number, lat: number): [number, number] {
  return [v.w / 2 + ((lon - v.lon) * narrow(v)) / v.scale, v.h / 2 - ((lat - v.lat) * metresPerDegree) / v.scale]
}

const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

export function draw(g: CanvasRenderingContext2D, v: View, english: boolean, at?: Place, accuracy?: number): void {
  g.fillStyle = token('map-ground')
  g.fillRect(0, 0, v.w, v.h)
  const path = (ring: number[][], close: boolean) => {
    g.beginPath()
    ring.forEach((p, i) => { const [x, y] = toPixel(v, p[0] ?? 0, p[1] ?? 0); if (i) g.lineTo(x, y); else g.moveTo(x, y) })
    if (close) g.closePath()
  }
  for (const grid of layers.grids) { path(grid.ring, true); g.fillStyle = token('map-grid'); g.fill() }
  const fills: Record<string, string> = { water: token('map-water'), pond: token('map-water'), park: token('map-park'), square: token('map-square'), building: token('map-road') }
  for (const f of ground) {
    if (f.kind === 'building' && v.scale > 2.5) continue
    path(f.ring, true)
    g.fillStyle = fills[f.kind] ?? token('map-square')
    g.fill()
  }
  g.lineCap = 'round'
  for (const r of roads) {
    path(r.line, false)
    g.lineWidth = Math.max(1, (r.main ? 14 : 7) / v.scale)
    g.strokeStyle = token(r.main ? 'map-road-main' : 'map-road')
    g.stroke()
  }
  g.lineWidth = 1.5
  g.strokeStyle = token('map-grid-line')
  for (const grid of layers.grids) { path(grid.ring, true); g.stroke() }
  names(g, v, english)
  if (at) pin(g, v, at, accuracy)
}

function names(g: CanvasRenderingContext2D, v: View, english: boolean): void {
  g.font = '600 13px system-ui, sans-serif'
  g.textAlign = 'center'
  g.fillStyle = token('text-2')
  g.strokeStyle = token('map-grid')
  g.lineWidth = 4
  for (const grid of layers.grids) {
    const n = Math.max(1, grid.ring.length - 1)
    const [x, y] = toPixel(v, grid.ring.slice(1).reduce((s, p) => s + (p[0] ?? 0), 0) / n, grid.ring.slice(1).reduce((s, p) => s + (p[1] ?? 0), 0) / n)
    const name = english ? grid.en.replace(/ grid$/, '') : grid.zh.replace(/网格$/, '')
    g.strokeText(name, x, y)
    g.fillText(name, x, y)
  }
}

function pin(g: CanvasRenderingContext2D, v: View, at: Place, accuracy?: number): void {
  const [x, y] = toPixel(v, at.lon, at.lat)
  if (accuracy) {
    g.beginPath()
    g.arc(x, y, accuracy / v.scale, 0, 7)
    g.fillStyle = 'rgba(11, 74, 168, 0.15)'
    g.fill()
    g.lineWidth = 1.5
    g.strokeStyle = token('accent')
    g.stroke()
  }
  g.beginPath()
  g.moveTo(x, y)
  g.lineTo(x - 9, y - 20)
  g.arc(x, y - 24, 10, Math.PI * 0.85, Math.PI * 0.15)
  g.closePath()
  g.fillStyle = token('over')
  g.fill()
  g.lineWidth = 2
  g.strokeStyle = '#fff'
  g.stroke()
}
