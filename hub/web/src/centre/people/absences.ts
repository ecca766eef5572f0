// Who is absent, and who stands in: asked for once, and again after a change.
import { ref } from 'vue'
import { api, list, take } from '@/shared/api/client'
import type { Absence } from '@/shared/api/types'

const all = ref<Absence[]>([])

async function load(): Promise<void> {
  all.value = await list(api.GET('/api/v1/absences'))
}

async function add(body: Omit<Absence, 'id' | 'by'>): Promise<void> {
  await take(api.POST('/api/v1/absences', { body }))
  await load()
}

async function end(a: Absence): Promise<void> {
  await take(api.DELETE('/api/v1/people/{person}/absences/{absence}', { params: { path: { person: a.person, absence: a.id } } }))
  await load()
}

export function useAbsences() {
  /** now is the absence of a person that lasts, next the one that comes. */
  const of = (person: string) => {
    const at = Date.now()
    const mine = all.value.filter((a) => a.person === person)
    return { now: mine.find((a) => a.from <= at && at < a.to), next: mine.find((a) => a.from > at) }
  }
  return { all, load, add, end, of }
}
