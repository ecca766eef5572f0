// Symbols of the map, drawn as SVG from the same shapes as on the pages.
import { iconNodes, type IconName } from '../ui/icons'
import type { Look } from '../cases'
import type { MapLibre } from './lib'
import { token } from './style'

const shapes: Record<Look, string> = {
  new: '<path d="M16 3 29 16 16 29 3 16Z"/>',
  hand: '<circle cx="16" cy="16" r="11.5"/>',
  wait: '<rect x="5" y="5" width="22" height="22" rx="3"/>',
  over: '<path d="M16 3.5 30 28.5H2Z"/>',
  done: '<circle cx="16" cy="16" r="9"/>',
}

function svg(body: string, size = 32): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size * 2}" height="${size * 2}" viewBox="0 0 ${size} ${size}">${body}</svg>`
}

/** caseSymbol is the state's shape in the state's colour, edged by the ground. */
function caseSymbol(look: Look): string {
  return svg(`<g fill="${token(look)}" stroke="${token('map-halo')}" stroke-width="4" paint-order="stroke" stroke-linejoin="round">${shapes[look]}</g>`)
}

function iconShape(name: IconName, colour: string): string {
  const nodes = iconNodes(name).map(([tag, attrs]) => `<${tag} ${Object.entries(attrs).map(([k, v]) => `${k}="${v}"`).join(' ')}/>`)
  return `<g transform="translate(8.5 8.5) scale(.625)" fill="none" stroke="${colour}" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round">${nodes.join('')}</g>`
}

/** deviceSymbol is a small plate with the symbol of the kind; its edge tells the health. */
function deviceSymbol(icon: IconName, health: Health): string {
  const edge = { fresh: token('line-strong'), stale: token('stale'), fault: token('new'), unknown: token('stale'), hazard: token('alarm'), service: token('wait'), removed: token('stale') }[health]
  const ink = { fresh: token('text-2'), stale: token('stale'), fault: token('new'), unknown: token('stale'), hazard: token('on-alarm'), service: token('wait'), removed: token('stale') }[health]
  const fill = health === 'hazard' ? token('alarm') : token('raised')
  const dash = health === 'fresh' || health === 'hazard' ? '' : 'stroke-dasharray="3 2"'
  return svg(`<rect x="5" y="5" width="22" height="22" rx="5" fill="${fill}" stroke="${edge}" stroke-width="1.5" ${dash}/>${iconShape(icon, ink)}${health === 'service' ? wrench(ink) : ''}`)
}

/** wrench is a small badge at the corner: somebody works on it. */
function wrench(ink: string): string {
  const nodes = iconNodes('wrench').map(([tag, attrs]) => `<${tag} ${Object.entries(attrs).map(([k, v]) => `${k}="${v}"`).join(' ')}/>`).join('')
  return `<circle cx="25" cy="7" r="6.5" fill="${ink}"/><g transform="translate(20.8 2.8) scale(.35)" fill="none" stroke="${token('map-halo')}" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">${nodes}</g>`
}

export type Health = 'fresh' | 'stale' | 'fault' | 'unknown' | 'hazard' | 'service' | 'removed'
export type Standing = 'free' | 'busy' | 'stale'

/** personSymbol is a dot: whole when free, ringed when on a case, hollow grey when the position is old. */
function personSymbol(standing: Standing): string {
  const halo = token('map-halo')
  if (standing === 'stale') return svg(`<circle cx="16" cy="16" r="6" fill="${halo}" stroke="${token('stale')}" stroke-width="2.5" stroke-dasharray="3 2"/>`)
  const dot = `<circle cx="16" cy="16" r="6.5" fill="${token('map-person')}" stroke="${halo}" stroke-width="2"/>`
  return svg(standing === 'busy' ? `${dot}<circle cx="16" cy="16" r="10.5" fill="none" stroke="${token('hand')}" stroke-width="2.5"/>` : dot)
}

function ringSymbol(): string {
  return svg(`<circle cx="24" cy="24" r="20" fill="none" stroke="${token('accent')}" stroke-width="3"/>`, 48)
}

/** addSymbols gives the map every image that its layers name. */
export async function addSymbols(map: MapLibre, icons: IconName[]): Promise<void> {
  const wanted = new Map<string, string>([['ring', ringSymbol()], ['stay', svg(`<circle cx="16" cy="16" r="4.5" fill="${token('map-halo')}" stroke="${token('accent')}" stroke-width="2.5"/>`)]])
  for (const look of Object.keys(shapes) as Look[]) wanted.set(`case-${look}`, caseSymbol(look))
  for (const standing of ['free', 'busy', 'stale'] as const) wanted.set(`person-${standing}`, personSymbol(standing))
  for (const icon of new Set(icons)) {
    for (const health of ['fresh', 'stale', 'fault', 'unknown', 'hazard', 'service'] as const) wanted.set(`device-${icon}-${health}`, deviceSymbol(icon, health))
  }
  await Promise.all([...wanted].map(async ([name, source]) => {
    const image = await load(source)
    if (map.hasImage(name)) map.removeImage(name)
    map.addImage(name, image, { pixelRatio: 2 })
  }))
}

function load(source: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image()
    image.onload = () => resolve(image)
    image.onerror = () => reject(new Error('a symbol could not be drawn'))
    image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(source)
  })
}
