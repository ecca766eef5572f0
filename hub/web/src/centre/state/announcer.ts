// New work announces itself in one place, with a sound until somebody has
// acknowledged it. The ten gravest wait, of these the newest first; more are
// counted by the list anyway.
import { onScopeDispose, readonly, ref } from 'vue'
import { isCry, severityRank } from '@/shared/cases'
import { useSound } from './sound'
import { useWorld } from './world'

export interface News { kind: 'hazard' | 'case'; id: string; gravity: number } // by severity, 0 to 3; 4: a cry for help

/** isUrgent: it rings until somebody has acknowledged it. */
export const isUrgent = (n: Pick<News, 'gravity'>) => n.gravity >= 2

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
    const gravity = c && isCry(c) ? 4 : severityRank(severity)
    news.value = [{ kind, id, gravity }, ...news.value].sort((a, b) => b.gravity - a.gravity).slice(0, most)
    chime(isUrgent({ gravity }))
  })
  const repeat = setInterval(() => {
    if (news.value.some(isUrgent)) chime(true)
  }, again)
  onScopeDispose(() => {
    stop()
    clearInterval(repeat)
  })
}

export function useNews() {
  return { news: readonly(news), acknowledge }
}
