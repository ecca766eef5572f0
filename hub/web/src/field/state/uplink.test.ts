import 'fake-indexeddb/auto'
import { beforeEach, expect, it } from 'vitest'
import { Store } from './db'
import { Uplink } from './uplink'

let store: Store, runs = 0
beforeEach(async () => { store = await Store.open(`uplink-${runs++}`) })

const fix = (at: number) => ({ at, lon: 120, lat: 30 })

it('numbers once, over a reload too, and keeps what was not acknowledged', async () => {
  const first = new Uplink(store, () => 77)
  await Promise.all([first.add('position', fix(1)), first.add('position', fix(2))])
  await first.drain(async () => { throw new Error('no link') })
  expect(await first.waiting()).toBe(2)

  const reloaded = new Uplink(store, () => 99)
  await reloaded.add('event', { at: 3, type: 'sos' })
  const sent: unknown[] = []
  await reloaded.drain(async (kind, payload) => { sent.push([kind, JSON.parse(payload)]) })
  expect(sent).toEqual([
    ['position', { v: 1, epoch: 77, seq: 1, ...fix(1), now: 99 }],
    ['position', { v: 1, epoch: 77, seq: 2, ...fix(2), now: 99 }],
    ['event', { v: 1, epoch: 77, seq: 3, at: 3, type: 'sos', now: 99 }],
  ])
  expect(await reloaded.waiting()).toBe(0)
})

it('drops the oldest positions when full, counts them, and never an event', async () => {
  const up = new Uplink(store, () => 1, 3)
  await up.add('event', { at: 1, type: 'sos' })
  for (let i = 2; i <= 6; i++) await up.add('position', fix(i))
  const kept: number[] = []
  await up.drain(async (_, payload) => { kept.push(JSON.parse(payload).at) })
  expect(kept).toEqual([1, 5, 6])
  expect(up.dropped).toBe(3)
})
