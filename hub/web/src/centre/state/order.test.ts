import { nextTick, ref } from 'vue'
import { expect, it } from 'vitest'
import { useCalmOrder } from './order'

it('keeps its order under the hand, drops what has gone, and counts what waits', async () => {
  const sorted = ref(['a', 'b', 'c'])
  const list = useCalmOrder(sorted, (s) => s)
  list.hold()
  sorted.value = ['new', 'c', 'a']
  await nextTick()
  expect(list.items.value).toEqual(['a', 'c'])
  expect(list.waiting.value).toBe(1)
  list.release()
  await nextTick()
  expect(list.items.value).toEqual(['new', 'c', 'a'])
  expect(list.waiting.value).toBe(0)
})
