// What the centre knows of the street: one snapshot, then the stream's changes.
import { computed, reactive, ref, shallowRef } from 'vue'
import { ApiError, api, list, take } from '@/shared/api/client'
import type { Case, Device, Hazard, Matter, Part, Person, PersonState, Street, Summary } from '@/shared/api/types'
import { now } from '@/shared/clock'
import { byGravity, byUrgency, isCry, isOpen, isOverdue, mustAct, newest } from '@/shared/cases'
import { latest } from '@/shared/latest'
import { useSession } from '@/shared/session'
import { useSight } from './sight'

const street = shallowRef<Street | null>(null)
const matters = shallowRef(new Map<string, Matter>())
const grids = shallowRef<GeoJSON.FeatureCollection | null>(null)
const roads = shallowRef<GeoJSON.FeatureCollection | null>(null)
const land = shallowRef<GeoJSON.FeatureCollection | null>(null)
const people = reactive(new Map<string, Person>())
const devices = reactive(new Map<string, Device>())
const cases = reactive(new Map<string, Case>())
const hazards = reactive(new Map<string, Hazard>())
const health = shallowRef<Part[]>([])
const today = shallowRef<Summary | null>(null)
const failure = ref<string | null>(null)
const loaded = ref(false)

/** Listeners hear of work that the page did not know before. */
type NewWork = (kind: 'hazard' | 'case', id: string) => void
const listeners = new Set<NewWork>()

function replace<T>(map: Map<string, T>, items: T[], id: (item: T) => string): void {
  const ids = new Set(items.map(id))
  for (const known of map.keys()) if (!ids.has(known)) map.delete(known)
  for (const item of items) map.set(id(item), item)
}

/** What the stream has told since a snapshot was asked for: the answer may be older, so it is said once more. */
let meanwhile: (() => void)[] | null = null

const told = <T>(use: (item: T) => void) => (item: T): void => {
  meanwhile?.push(() => use(item))
  use(item)
}

/** snapshot reads everything anew. */
const snapshot = latest(async () => {
  const later = (meanwhile = [] as (() => void)[])
  await readAll()
  meanwhile = null
  for (const again of later) again()
})

async function readAll(): Promise<void> {
  try {
    const less = useSight().onlyCraft.value
    const [p, d, c, h] = await Promise.all([
      less ? [] : list(api.GET('/api/v1/people')),
      list(api.GET('/api/v1/devices')),
      less ? [] : list(api.GET('/api/v1/cases', { params: { query: { open: true, limit: 1000 } } })),
      less ? [] : list(api.GET('/api/v1/hazards', { params: { query: { open: true, limit: 200 } } })),
    ])
    replace(people, p, (x) => x.id)
    replace(devices, d, (x) => x.id)
    replace(cases, newest(c, [...cases.values()]), (x) => x.id)
    replace(hazards, h, (x) => x.id)
    failure.value = null
    loaded.value = true
  } catch (e) {
    if (e instanceof ApiError && e.status === 401) useSession().expire()
    failure.value = e instanceof Error ? e.message : String(e)
  }
}

/** ground reads what does not change while the page is open. */
async function ground(): Promise<void> {
  const [s, m, g, r, l] = await Promise.all([
    take(api.GET('/api/v1/street')),
    list(api.GET('/api/v1/matters')),
    geojson('/api/v1/grids'),
    geojson('/api/v1/roads'),
    geojson('/api/v1/ground'),
  ])
  street.value = s
  matters.value = new Map(m.map((x) => [x.code, x]))
  grids.value = g
  roads.value = r
  land.value = l
}

async function geojson(path: string): Promise<GeoJSON.FeatureCollection> {
  const answer = await fetch(path)
  if (!answer.ok) return { type: 'FeatureCollection', features: [] }
  return (await answer.json()) as GeoJSON.FeatureCollection
}

async function refreshFigures(): Promise<void> {
  health.value = await list(api.GET('/api/v1/health')).catch(() => health.value)
  if (!useSight().onlyCraft.value) today.value = await take(api.GET('/api/v1/figures')).catch(() => today.value)
}

function onCase(c: Case): void {
  const known = cases.get(c.id)
  if (known && known.rev > c.rev) return
  cases.set(c.id, c)
  if (!known && isOpen(c) && loaded.value) for (const tell of listeners) tell('case', c.id)
}

function onHazard(h: Hazard): void {
  const known = hazards.has(h.id)
  if (h.cleared) hazards.delete(h.id)
  else hazards.set(h.id, h)
  if (!known && !h.cleared && loaded.value) for (const tell of listeners) tell('hazard', h.id)
}

function onPerson(state: PersonState): void {
  const known = people.get(state.id)
  if (known) people.set(state.id, { ...known, live: state })
}

/** remember keeps a case that was fetched by itself, such as a closed one. */
function remember(c: Case): void {
  const known = cases.get(c.id)
  if (!known || known.rev <= c.rev) cases.set(c.id, c)
}

const openCases = computed(() => [...cases.values()].filter(isOpen).sort(byUrgency(now.value)))
/** Open cases: who cries for help first of all, then what is behind a hazard that nobody has taken. */
const work = computed(() => {
  const calls = (c: Case) => {
    const h = c.hazard ? hazards.get(c.hazard) : undefined
    return isCry(c) ? 2 : Number(!!h && mustAct(h, c))
  }
  return [...openCases.value].sort((a, b) => calls(b) - calls(a)) // stable: the rest stays as it was
})
/** What must be acted on and nobody has taken, the most pressing first: cries for help, then hazards. */
const calling = computed(() => ({
  cries: openCases.value.filter(isCry),
  hazards: openHazards.value.filter((h) => mustAct(h, h.case ? cases.get(h.case) : undefined)).sort(byGravity),
}))
const overdue = computed(() => openCases.value.filter((c) => isOverdue(c, now.value)))
const onDuty = computed(() => [...people.values()].filter((p) => p.live.on_duty))
const openHazards = computed(() => [...hazards.values()].filter((h) => !h.cleared))
const unwell = computed(() => health.value.filter((p) => p.state !== 'ok'))

export function useWorld() {
  return {
    street, matters, grids, roads, land, people, devices, cases, hazards, health, today, failure, loaded,
    openCases, work, calling, overdue, onDuty, openHazards, unwell,
    ground, snapshot, refreshFigures, remember,
    onCase: told(onCase), onHazard: told(onHazard), onPerson: told(onPerson), onDevice: told((d: Device) => void devices.set(d.id, d)),
    onNewWork: (tell: NewWork) => { listeners.add(tell); return () => listeners.delete(tell) },
  }
}
