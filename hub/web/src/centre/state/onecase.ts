import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { ApiError, api, list, take } from '@/shared/api/client'
import type { Candidate, CaseEvent, Command, Evidence } from '@/shared/api/types'
import { newId } from '@/shared/ids'
import { useWords } from '@/shared/i18n'
import { useWorld } from './world'

/** useCase follows one case: its events and photos, who could go, and what may be done. */
export function useCase(id: Ref<string>) {
  const { cases, remember } = useWorld()
  const { t } = useWords()
  const item = computed(() => cases.get(id.value))
  const events = shallowRef<CaseEvent[]>([])
  const photos = shallowRef<Evidence[]>([])
  const candidates = shallowRef<Candidate[] | null>(null)
  const busy = ref(false)
  const problem = ref('')
  let seen = -1

  async function load(): Promise<void> {
    try {
      const { events: e, items, ...rest } = await take(api.GET('/api/v1/cases/{case}', { params: { path: { case: id.value } } }))
      events.value = e ?? []
      photos.value = items ?? []
      seen = rest.rev
      remember(rest)
    } catch (e) {
      problem.value = e instanceof ApiError ? e.detail : String(e)
    }
  }

  async function loadCandidates(): Promise<void> {
    candidates.value = await list(api.GET('/api/v1/cases/{case}/candidates', { params: { path: { case: id.value } } })).catch(() => [])
  }

  async function act(command: Omit<Command, 'id' | 'rev'>): Promise<boolean> {
    busy.value = true
    problem.value = ''
    try {
      const done = await take(api.POST('/api/v1/cases/{case}/commands', {
        params: { path: { case: id.value } }, body: { ...command, id: newId(), rev: item.value?.rev },
      }))
      remember(done)
      await load()
      return true
    } catch (e) {
      problem.value = e instanceof ApiError ? (e.status === 409 ? t('case.conflict') : e.detail) : String(e)
      await load()
      return false
    } finally {
      busy.value = false
    }
  }

  /** keep makes a picture of the centre's own, a camera's, a piece of the case's evidence. */
  async function keep(picture: Blob, at: number): Promise<void> {
    const place = item.value?.place
    const query = new URLSearchParams({ case: id.value, kind: 'snapshot', at: String(at), ...(place && { lon: String(place.lon), lat: String(place.lat) }) })
    const answer = await fetch(`/api/v1/evidence?${query}`, { method: 'POST', headers: { 'Content-Type': 'image/jpeg' }, body: picture })
    if (!answer.ok) problem.value = await answer.text()
    else await act({ type: 'evidence', evidence: ((await answer.json()) as Evidence).hash, kind: 'snapshot' })
  }

  const dispatchable = computed(() => !!item.value?.next?.includes('dispatched'))
  watch(id, load, { immediate: true })
  watch(() => item.value?.rev, (rev) => { if (rev !== undefined && rev !== seen) void load() })
  watch(dispatchable, (yes) => {
    candidates.value = null
    if (yes) void loadCandidates()
  }, { immediate: true })

  return { item, events, photos, candidates, dispatchable, busy, problem, act, keep, loadCandidates }
}
