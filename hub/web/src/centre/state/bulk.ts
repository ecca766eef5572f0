// The same step on several cases, one after the other, with what came of each.
import { ref, shallowRef } from 'vue'
import { api, list, take } from '@/shared/api/client'
import type { Case, Command } from '@/shared/api/types'
import { newId } from '@/shared/ids'
import { useNames } from './names'
import { useWorld } from './world'

export interface Outcome { id: string; number: string; ok: boolean; said: string }

export function useBulk() {
  const { cases, remember } = useWorld()
  const names = useNames()
  const picked = ref(new Set<string>())
  const outcomes = shallowRef<Outcome[]>([])
  const busy = ref(false)

  const toggle = (id: string) => { if (!picked.value.delete(id)) picked.value.add(id) }
  const clear = () => { picked.value.clear(); outcomes.value = [] }
  const chosen = () => [...picked.value].flatMap((id) => cases.get(id) ?? [])

  async function command(c: Case, body: Omit<Command, 'id' | 'rev'>): Promise<void> {
    remember(await take(api.POST('/api/v1/cases/{case}/commands', { params: { path: { case: c.id } }, body: { ...body, id: newId(), rev: c.rev } })))
  }

  /** each does a deed to every chosen case. What failed stays chosen, with the reason. */
  async function each(deed: (c: Case) => Promise<string>): Promise<void> {
    busy.value = true
    outcomes.value = []
    for (const c of chosen()) {
      let ok = true, said = ''
      try {
        said = await deed(c)
      } catch (e) {
        ok = false
        said = e instanceof Error ? e.message : String(e) // an ApiError's message is the hub's reason
      }
      outcomes.value = [...outcomes.value, { id: c.id, number: c.number, ok, said }]
      if (ok) picked.value.delete(c.id)
    }
    busy.value = false
  }

  const step = (body: Omit<Command, 'id' | 'rev'>) => each((c) => command(c, body).then(() => ''))

  /** dispatch sends the best candidate of each case. */
  const dispatch = (nobody: string) => each(async (c) => {
    const best = (await list(api.GET('/api/v1/cases/{case}/candidates', { params: { path: { case: c.id } } }))).find((p) => !p.excluded)
    if (!best) throw new Error(nobody)
    await command(c, { type: 'dispatched', assignee: best.person })
    return names.person(best.person)
  })

  /** merge puts the others into the one that was reported first. */
  const merge = async () => {
    const [keep, ...rest] = chosen().sort((a, b) => a.reported - b.reported)
    if (!keep) return
    picked.value = new Set(rest.map((c) => c.id))
    await each(async (c) => {
      await take(api.POST('/api/v1/merges', { body: { id: newId(), keep: keep.id, drop: c.id } }))
      return keep.number
    })
  }

  return { picked, outcomes, busy, toggle, clear, step, dispatch, merge, chosen }
}
