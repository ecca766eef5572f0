// The worker's routes of today, and the check-ins on them.
import { computed, ref, shallowRef } from 'vue'
import { api, list } from '@/shared/api/client'
import type { Progress } from '@/shared/api/types'
import { newId } from '@/shared/ids'
import { useSession } from '@/shared/session'
import { commit, fresh, ready, usePhone } from './phone'
import { usePlace } from './place'

const all = shallowRef<Progress[]>([])
const loaded = ref(false)

async function load(): Promise<void> {
  all.value = (await fresh('patrols', () => list(api.GET('/api/v1/patrols')))) ?? all.value
  loaded.value = true
}

type Stop = NonNullable<Progress['route']['stops']>[number]

async function checkIn(route: string, stop: Stop, photo: Blob, at: number): Promise<void> {
  const { fix } = usePlace()
  if (!fix.value) return
  const { lon, lat, accuracy } = fix.value
  const id = newId(at)
  const { outbox } = await ready()
  await outbox.addPhoto(id, photo)
  await commit(
    { kind: 'photo', photo: id, of: 'patrol', at, lon, lat, accuracy },
    { kind: 'checkin', photo: id, body: { id: newId(at), route, point: stop.id, at, place: { lon, lat }, accuracy_m: accuracy, evidence: '' } },
  )
}

export function usePatrols() {
  const { me } = useSession()
  const { waiting } = usePhone()
  const grids = computed(() => me.value?.staff?.grids ?? [])
  const routes = computed(() => all.value.filter((p) => grids.value.includes(p.route.grid)))
  const pending = computed(() => new Set(waiting.value.flatMap((e) => (e.kind === 'checkin' ? [`${e.body.route}/${e.body.point}`] : []))))
  /** A stop is behind when its visit counts, or when the check-in waits to be sent. */
  const standing = (p: Progress, stop: Stop): 'done' | 'pending' | 'open' => {
    if (p.visits?.some((v) => v.point === stop.id && v.counts)) return 'done'
    return pending.value.has(`${p.route.id}/${stop.id}`) ? 'pending' : 'open'
  }
  return { routes, loaded, load, checkIn, standing }
}
