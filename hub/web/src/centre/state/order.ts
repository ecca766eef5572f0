import { computed, ref, watch, type Ref } from 'vue'

/**
 * useCalmOrder keeps a list from reordering under the hand: while the pointer
 * is over it, what is there stays where it is, what has gone leaves, and what
 * is new waits and is counted.
 */
export function useCalmOrder<T>(sorted: Ref<T[]>, id: (item: T) => string) {
  const held = ref(false)
  const order = ref<string[]>([])

  watch([sorted, held], () => {
    if (!held.value) order.value = sorted.value.map(id)
  }, { immediate: true })

  const byId = computed(() => new Map(sorted.value.map((item) => [id(item), item])))
  const items = computed(() => order.value.flatMap((key) => {
    const item = byId.value.get(key)
    return item === undefined ? [] : [item]
  }))
  const waiting = computed(() => sorted.value.length - items.value.length)
  return { items, waiting, hold: () => { held.value = true }, release: () => { held.value = false } }
}
