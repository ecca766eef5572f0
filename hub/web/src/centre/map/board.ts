import maplibregl, { type GeoJSONSource, type MapLibre } from '@/shared/map/lib'
import { groundStyle, scale, type Collection, type Land } from '@/shared/map/style'
import { addSymbols } from '@/shared/map/symbols'
import { deviceIcons } from '@/shared/ui/icons'
import type { Point } from '@/shared/api/types'
import { addLayers, groups, type Group, type SourceName } from './layers'
import { within } from './view'

export interface Ground extends Land {
  label: 'name_zh' | 'name_en'
  bounds: readonly number[]
}

type Pick = (kind: 'case' | 'person' | 'device' | 'camera', id: string) => void

const pickable = ['people', 'cases', 'devices', 'cameras']
const kinds = { people: 'person', cases: 'case', devices: 'device', cameras: 'camera' } as const

/** Board is the map and what can be done with it. MapLibre stops here. */
export class Board {
  private constructor(private map: MapLibre, private ground: Ground) {}

  /** open draws the ground in a container; it throws where there is no WebGL. */
  static async open(container: HTMLElement, ground: Ground, pick: Pick): Promise<Board> {
    const map = new maplibregl.Map({
      container, style: groundStyle(ground, ground.label), bounds: Board.box(ground.bounds),
      fitBoundsOptions: { padding: 24 }, minZoom: 11, maxZoom: 20, attributionControl: false, dragRotate: false, pitchWithRotate: false, fadeDuration: 0,
    })
    map.touchZoomRotate.disableRotation()
    map.keyboard.disable() // j, k and the arrows belong to the lists
    map.addControl(new maplibregl.ScaleControl({ maxWidth: 96 * scale() }), 'bottom-right')
    await new Promise((resolve) => map.once('load', resolve))
    const board = new Board(map, ground)
    await board.dress()
    board.listen(pick)
    return board
  }

  private static box(b: readonly number[]): [number, number, number, number] {
    return [b[0] ?? 0, b[1] ?? 0, b[2] ?? 0, b[3] ?? 0]
  }

  private async dress(): Promise<void> {
    await addSymbols(this.map, deviceIcons)
    addLayers(this.map)
  }

  /** redress draws everything anew, after the theme or the language changed. */
  async redress(label: Ground['label']): Promise<void> {
    this.ground = { ...this.ground, label }
    this.map.setStyle(groundStyle(this.ground, label), { diff: false })
    await new Promise((resolve) => this.map.once('style.load', resolve))
    await this.dress()
  }

  private listen(pick: Pick): void {
    this.map.on('click', (e) => {
      const reach = 6
      const near: [[number, number], [number, number]] = [[e.point.x - reach, e.point.y - reach], [e.point.x + reach, e.point.y + reach]]
      const hit = this.map.queryRenderedFeatures(near, { layers: pickable })[0]
      if (hit) pick(kinds[hit.layer.id as keyof typeof kinds], String(hit.properties.id))
    })
    for (const layer of pickable) {
      this.map.on('mouseenter', layer, () => { this.map.getCanvas().style.cursor = 'pointer' })
      this.map.on('mouseleave', layer, () => { this.map.getCanvas().style.cursor = '' })
    }
  }

  draw(source: SourceName, data: Collection): void {
    void this.map.getSource<GeoJSONSource>(source)?.setData(data)
  }

  show(group: Group, on: boolean): void {
    for (const layer of groups[group]) if (this.map.getLayer(layer)) this.map.setLayoutProperty(layer, 'visibility', on ? 'visible' : 'none')
  }

  /** look moves to a place only as far as needed: what is in view stays put. */
  look(p: Point): void {
    const view = this.map.getContainer().getBoundingClientRect()
    const at = this.map.project([p.lon, p.lat])
    const edge = 80
    const inside = at.x > edge && at.y > edge && at.x < view.width - edge && at.y < view.height - edge
    if (inside && this.map.getZoom() >= 15) return
    const zoom = Math.max(15.2, this.map.getZoom())
    const middle = within(p, this.ground.bounds, zoom, view)
    this.map.easeTo({ center: [middle.lon, middle.lat], zoom, duration: 200 })
  }

  fit(): void {
    this.map.fitBounds(Board.box(this.ground.bounds), { padding: 24, duration: 200 })
  }

  zoom(by: number): void {
    this.map.zoomTo(this.map.getZoom() + by, { duration: 120 })
  }

  /** pin puts an element of the page on the map; the answer takes it away. */
  pin(element: HTMLElement, p: Point): () => void {
    const marker = new maplibregl.Marker({ element }).setLngLat([p.lon, p.lat]).addTo(this.map)
    return () => marker.remove()
  }

  close(): void {
    this.map.remove()
  }
}
