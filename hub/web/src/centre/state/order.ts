import { computed, onScopeDispose, ref, watch, type Ref } from 'vue'

const rest = 10_000 // ms after which a pointer that lies still is no hand at work

/**
 * useCalmOrder keeps a list from reordering under the hand: while the pointer
 * moves over it, what is there stays where it is, what has gone leaves, and
 * what is new waits and is counted. An empty list has nothing to keep still.
 */
export function useCalmOrder<T>(sorted: Ref<T[]>, id: (item: T) => string) {
  const held = ref(false)
  const order = ref<string[]>([])
  let resting: ReturnType<typeof setTimeout> | undefined

  const byId = computed(() => new Map(sorted.value.map((item) => [id(item), item])))
  const items = computed(() => order.value.flatMap((key) => {
    const item = byId.value.get(key)
    return item === undefined ? [] : [item]
  }))
  const waiting = computed(() => sorted.value.length - items.value.length)

  watch([sorted, held], () => {
    if (!held.value || !items.value.length) order.value = sorted.value.map(id)
  }, { immediate: true })

  function release(): void {
    clearTimeout(resting)
    held.value = false
  }
  function hold(): void {
    clearTimeout(resting)
    resting = setTimeout(release, rest)
    held.value = true
  }
  onScopeDispose(() => clearTimeout(resting), true)
  return { items, waiting, hold, release }
}
