// New work announces itself in one place, with a sound until somebody has
// acknowledged it. At most ten wait; more are counted by the list anyway.
import { onScopeDispose, readonly, ref } from 'vue'
import { severityRank } from '@/shared/cases'
import { useSound } from './sound'
import { useWorld } from './world'

export interface News { kind: 'hazard' | 'case'; id: string; urgent: boolean }

const most = 10
const again = 15_000
const news = ref<News[]>([])

function acknowledge(): void {
  news.value = []
}

/** useAnnouncer listens for new work; call it once, at the desk's root. */
export function useAnnouncer() {
  const { onNewWork, hazards, cases } = useWorld()
  const { chime } = useSound()

  const stop = onNewWork((kind, id) => {
    const c = cases.get(id)
    if (kind === 'case' && c?.hazard) return // its hazard announces it
    const severity = (kind === 'hazard' ? hazards.get(id)?.severity : c?.severity) ?? 'minor'
    const urgent = severityRank(severity) >= 2
    news.value = [{ kind, id, urgent }, ...news.value].slice(0, most)
    chime(urgent)
  })
  const repeat = setInterval(() => {
    if (news.value.some((n) => n.urgent)) chime(true)
  }, again)
  onScopeDispose(() => {
    stop()
    clearInterval(repeat)
  })
}

export function useNews() {
  return { news: readonly(news), acknowledge }
}
