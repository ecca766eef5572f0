// What is selected, and which room is open: kept in the address, so that a
// reload or a second screen shows the same.
import { readonly, ref, watch } from 'vue'

export type Kind = 'case' | 'person' | 'device' | 'camera'
export interface Selected { kind: Kind; id: string }

export const rooms = ['map', 'pool', 'patrols', 'figures', 'devices', 'people', 'system', 'audit'] as const
export type Room = (typeof rooms)[number]

const room = ref<Room>('map')
const selected = ref<Selected | null>(null)
/** A set of cases that a figure opened, with the figure's name. */
const behind = ref<{ name: string; ids: string[] } | null>(null)

function read(): void {
  const [name, kind, id] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent)
  room.value = rooms.find((r) => r === name) ?? 'map'
  selected.value = id && (kind === 'case' || kind === 'person' || kind === 'device' || kind === 'camera') ? { kind, id } : null
}

read()
addEventListener('hashchange', read)
watch([room, selected], ([r, s]) => {
  const hash = `#/${r}` + (s ? `/${s.kind}/${encodeURIComponent(s.id)}` : '')
  if (location.hash !== hash) history.replaceState(null, '', hash)
})

function select(kind: Kind, id: string): void {
  selected.value = { kind, id }
}

function openBehind(name: string, ids: string[]): void {
  behind.value = { name, ids }
  room.value = 'pool'
}

function enter(r: Room): void {
  behind.value = null
  room.value = r
}

export function useSelection() {
  return {
    room: readonly(room), selected: readonly(selected), behind: readonly(behind),
    select, enter, openBehind,
    clear: () => { selected.value = null },
    isSelected: (kind: Kind, id: string) => selected.value?.kind === kind && selected.value.id === id,
  }
}
