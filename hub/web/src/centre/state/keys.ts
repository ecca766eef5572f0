import { onMounted, onUnmounted } from 'vue'
import { useSelection } from './selection'

type Deed = () => void

/** Deeds that parts of the page offer to the keyboard while they are shown: of several under one key the newest. */
const offers = new Map<string, Deed[]>()

/** useKey offers a deed under a key, as long as the component lives. */
export function useKey(key: string, deed: Deed): void {
  onMounted(() => offers.set(key, [...(offers.get(key) ?? []), deed]))
  onUnmounted(() => offers.set(key, (offers.get(key) ?? []).filter((d) => d !== deed)))
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** pressing tells the keys that a focused button or link means for itself. */
function pressing(e: KeyboardEvent): boolean {
  return (e.key === 'Enter' || e.key === ' ') && e.target instanceof Element && !!e.target.closest('button, a, summary, [role=button], [tabindex]')
}

/** useKeys listens at the root: search everywhere, single letters outside of fields and dialogs. */
export function useKeys(root: { search: Deed }): void {
  const { clear } = useSelection()
  const listen = (e: KeyboardEvent) => {
    if ((e.metaKey || e.ctrlKey) && e.key.toLowerCase() === 'k') {
      e.preventDefault()
      return root.search()
    }
    if (e.metaKey || e.ctrlKey || e.altKey || typing(e.target) || pressing(e) || document.querySelector('[role=dialog]')) return
    if (e.key === 'Escape') return clear()
    const deed = offers.get(e.key)?.at(-1)
    if (deed) {
      e.preventDefault()
      deed()
    }
  }
  onMounted(() => addEventListener('keydown', listen))
  onUnmounted(() => removeEventListener('keydown', listen))
}
