// The worker's tasks: as the hub knows them, with what waits here laid over.
import { computed, ref, shallowRef } from 'vue'
import { api, list, take } from '@/shared/api/client'
import type { Case, Matter, Step } from '@/shared/api/types'
import { byUrgency, isOpen, newest } from '@/shared/cases'
import { hubNow } from '@/shared/clock'
import { newId } from '@/shared/ids'
import { latest } from '@/shared/latest'
import { ownOrder } from '@/shared/parallel'
import { alert } from './alert'
import { nextRung, overlay, partOf } from './ladder'
import { commit, fresh, keep, onCase, ready, usePhone } from './phone'
import { usePlace } from './place'
import { useSession } from '@/shared/session'

const known = shallowRef<Case[]>([])
const matters = shallowRef(new Map<string, Matter>())
const chosen = ref('')
const loaded = ref(false)
const announced = ref<string | null>(null)
const { me } = useSession()

/** load asks for the list; an answer that was under way may be older than what woke us, so it is asked again. */
const load = latest(ask)

async function ask(): Promise<void> {
  const before = new Set(known.value.map((c) => c.id))
  const cases = await fresh('cases', () => list(api.GET('/api/v1/cases', { params: { query: { open: true, assignee: 'me', limit: 100 } } })))
  known.value = newest(cases ?? known.value, known.value)
  const added = known.value.find((c) => !before.has(c.id) && isNew(c))
  if (added && loaded.value) announce(added.id)
  loaded.value = true
}

/** isNew: a case that was given to this person and waits to be taken. */
function isNew(c: Case): boolean {
  const part = partOf(c, me.value)
  return part === 'lead' ? c.state === 'dispatched' : part !== 'none'
}

onCase((c) => {
  known.value = newest(known.value, [c])
  void keep('cases', known.value)
})

async function loadMatters(): Promise<void> {
  const all = await fresh('matters', () => list(api.GET('/api/v1/matters')))
  matters.value = new Map((all ?? []).map((m) => [m.code, m]))
}

function announce(id: string): void {
  announced.value = id
  chosen.value = id
  alert('task')
}

/** woken: the hub says that a task changed. */
async function woken(id: string): Promise<void> {
  const before = known.value.find((c) => c.id === id)
  await load()
  const after = known.value.find((c) => c.id === id)
  const asked = (c: Case | undefined) => c && nextRung(c, me.value).kind === 'step' && partOf(c, me.value)
  if (after && isNew(after) && (partOf(after, me.value) === 'lead' ? before?.rev !== after.rev : asked(before) !== asked(after))) announce(id)
}

/** photograph keeps a photo and what it proves. It resolves when both are safe on the phone. */
async function photograph(c: Case, proof: string, photo: Blob, at: number): Promise<void> {
  const id = newId(at)
  const { fix } = usePlace()
  const { outbox } = await ready()
  await outbox.addPhoto(id, photo)
  const order = partOf(c, me.value) === 'order' ? ownOrder(c, me.value)?.n : undefined
  const where = fix.value ? { lon: fix.value.lon, lat: fix.value.lat, accuracy: fix.value.accuracy } : {}
  await commit(
    { kind: 'photo', photo: id, case: c.id, of: proof, at, ...where },
    { kind: 'command', case: c.id, photo: id, body: { id: newId(at), type: 'evidence', kind: proof, at, order } },
  )
}

async function step(c: Case, type: Step, why?: string, of: { order?: number; department?: string } = {}): Promise<void> {
  const { fix } = usePlace()
  const place = fix.value ? { lon: fix.value.lon, lat: fix.value.lat } : undefined
  announced.value = null
  await commit({ kind: 'command', case: c.id, body: { id: newId(), type, at: Math.round(hubNow()), place, why, ...of } })
}

/** openCase reads one case with its events; offline there is only what the list says. */
const openCase = (id: string) => take(api.GET('/api/v1/cases/{case}', { params: { path: { case: id } } }))

export function useTasks() {
  const { entries } = usePhone()
  const tasks = computed(() => known.value.map((c) => overlay(c, entries.value)).filter(isOpen).sort(byUrgency(hubNow())))
  /** What needs a hand comes first; what waits for others comes last. */
  const ordered = computed(() => [...tasks.value].sort((a, b) => Number(nextRung(a, me.value).kind === 'wait') - Number(nextRung(b, me.value).kind === 'wait')))
  const current = computed(() => ordered.value.find((c) => c.id === chosen.value) ?? ordered.value[0])
  const others = computed(() => ordered.value.filter((c) => c.id !== current.value?.id))
  return { tasks, current, others, matters, loaded, announced, chosen, load, loadMatters, woken, photograph, step, openCase }
}
