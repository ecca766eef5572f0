import { nextTick, ref } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { useCalmOrder } from './order'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

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

it('shows the first at once, and lets a pointer that lies still count for nothing', async () => {
  const sorted = ref<string[]>([])
  const list = useCalmOrder(sorted, (s) => s)
  list.hold()
  sorted.value = ['first']
  await nextTick()
  expect(list.items.value).toEqual(['first'])
  sorted.value = ['second', 'first']
  await nextTick()
  expect(list.waiting.value).toBe(1)
  vi.advanceTimersByTime(8_000)
  list.hold() // it moves again
  vi.advanceTimersByTime(8_000)
  await nextTick()
  expect(list.waiting.value).toBe(1)
  vi.advanceTimersByTime(8_000)
  await nextTick()
  expect(list.items.value).toEqual(['second', 'first'])
})
