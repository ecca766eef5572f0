import type { Person, PersonState } from '@/shared/api/types'
import { distance } from '@/shared/geo'

type Coordinates = [number, number]
interface Walk { from: Coordinates; to: Coordinates; began: number; lasts: number; at: number; trail: Coordinates[] }

const trailLength = 12
const jump = 300 // metres: further than anybody walks between two fixes

/**
 * Motion lets people walk from fix to fix instead of jumping, and remembers a
 * short trail of each: the last twelve fixes, for whoever is on the map.
 */
export class Motion {
  private walks = new Map<string, Walk>()

  /** learn takes over the newest fixes; now is the page's clock in ms. */
  learn(people: Iterable<Person>, now: number): void {
    for (const { live } of people) {
      if (live.on_duty && live.position) this.move(live, [live.position.lon, live.position.lat], now)
      else this.walks.delete(live.id)
    }
  }

  private move(p: PersonState, to: Coordinates, now: number): void {
    const known = this.walks.get(p.id)
    if (known?.at === p.at) return
    const from = known ? this.place(known, now) : to
    const far = known && distance({ lon: from[0], lat: from[1] }, { lon: to[0], lat: to[1] }) > jump
    const lasts = known && !far ? Math.min(5_000, Math.max(500, p.at - known.at)) : 0
    const trail = known && !far ? [...known.trail, to].slice(-trailLength) : [to]
    this.walks.set(p.id, { from, to, began: now, lasts, at: p.at, trail })
  }

  private place(w: Walk, now: number): Coordinates {
    const part = w.lasts ? Math.min(1, (now - w.began) / w.lasts) : 1
    return [w.from[0] + (w.to[0] - w.from[0]) * part, w.from[1] + (w.to[1] - w.from[1]) * part]
  }

  /** where somebody is drawn now. */
  where(id: string, now: number): Coordinates | undefined {
    const w = this.walks.get(id)
    return w && this.place(w, now)
  }

  /** moving tells whether anybody is between two fixes. */
  moving(now: number): boolean {
    for (const w of this.walks.values()) if (now - w.began < w.lasts) return true
    return false
  }

  /** trails of everybody, the end of each at the place where the person is drawn. */
  *trails(now: number): Generator<Coordinates[]> {
    for (const w of this.walks.values()) {
      if (w.trail.length > 1) yield [...w.trail.slice(0, -1), this.place(w, now)]
    }
  }
}
