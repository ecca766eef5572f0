import { useWords } from '@/shared/i18n'
import { deviceIcon, type IconName } from '@/shared/ui/icons'
import { useNames } from './names'
import type { Kind } from './selection'
import { useWorld } from './world'

export interface Found { kind: Kind; id: string; title: string; hint: string; icon: IconName }

const most = 12

/** useFinder searches people, cases and devices by what people call them. */
export function useFinder(): (query: string) => Found[] {
  const { people, devices, openCases } = useWorld()
  const { name, word } = useWords()
  const names = useNames()

  const all = function* (): Generator<Found> {
    for (const c of openCases.value) {
      yield { kind: 'case', id: c.id, title: `${c.number} ${names.title(c)}`, hint: word('state', c.state), icon: 'tasks' }
    }
    for (const p of people.values()) {
      yield { kind: 'person', id: p.id, title: name(p.label), hint: word('person', p.live.on_duty ? 'onDuty' : 'offDuty'), icon: 'person' }
    }
    for (const d of devices.values()) {
      yield { kind: 'device', id: d.id, title: d.name || d.id, hint: names.grid(d.place.grid), icon: deviceIcon(d.kind) }
    }
  }

  return (query) => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean)
    if (!words.length) return []
    const found: Found[] = []
    for (const f of all()) {
      const text = `${f.title} ${f.hint} ${f.id}`.toLowerCase()
      if (words.every((w) => text.includes(w))) found.push(f)
      if (found.length === most) break
    }
    return found
  }
}
