import 'fake-indexeddb/auto'
import { beforeEach, expect, it } from 'vitest'
import { ApiError } from '@/shared/api/client'
import { Store } from './db'
import { Outbox, type Deed, type Entry, type Sender } from './outbox'

const command = (id: string): Deed => ({ kind: 'command', case: 'c-1', body: { id, type: 'noted' } })
const photo = (id: string): Deed => ({ kind: 'photo', photo: id, case: 'c-1', of: 'photo-after', at: 1 })
const proof = (id: string): Deed => ({ kind: 'command', case: 'c-1', photo: id, body: { id: `e-${id}`, type: 'evidence' } })

/** Hub is what the sender meets: it notes what arrives and fails as told. */
class Hub implements Sender {
  got: string[] = []
  fail = new Map<string, ApiError>()
  async upload(deed: { photo: string }): Promise<string> {
    return this.take(`photo ${deed.photo}`).then(() => `hash-of-${deed.photo}`)
  }
  async send(deed: Exclude<Deed, { kind: 'photo' }>, hash?: string): Promise<void> {
    await this.take(deed.kind === 'command' ? `${deed.body.id}${hash ? ` ${hash}` : ''}` : deed.kind)
  }
  private async take(what: string): Promise<void> {
    const e = this.fail.get(what)
    if (e) throw e
    this.got.push(what)
  }
}

let hub: Hub, box: Outbox, seen: Entry[], store: Store, runs = 0

beforeEach(async () => {
  hub = new Hub()
  store = await Store.open(`test-${runs++}`)
  box = new Outbox(store, hub, (e) => { seen = e })
})

it('sends in the order of the deeds, a photo before what it proves', async () => {
  await box.addPhoto('p1', new Blob(['jpeg']))
  await box.add(command('a'), photo('p1'), proof('p1'), command('z'))
  expect(await box.flush()).toBe('empty')
  expect(hub.got).toEqual(['a', 'photo p1', 'e-p1 hash-of-p1', 'z'])
  expect(seen).toEqual([])
  expect(await store.count('photos')).toBe(0)
})

it('stops at the first that cannot be sent, and goes on from there', async () => {
  hub.fail.set('b', new ApiError(0, 'no network'))
  await box.add(command('a'), command('b'), command('c'))
  expect(await box.flush()).toBe('later')
  expect(hub.got).toEqual(['a'])
  hub.fail.clear()
  expect(await box.flush()).toBe('empty')
  expect(hub.got).toEqual(['a', 'b', 'c'])
})

it('keeps what the hub refuses, with the reason, and goes on with the next', async () => {
  hub.fail.set('b', new ApiError(422, 'a closed case cannot be noted'))
  await box.add(command('a'), command('b'), command('c'))
  expect(await box.flush()).toBe('empty')
  expect(hub.got).toEqual(['a', 'c'])
  expect(seen.map((e) => e.refused)).toEqual(['a closed case cannot be noted'])
  await box.flush()
  expect(hub.got).toEqual(['a', 'c'])
  await box.dismiss((seen[0] as Entry).n)
  expect(seen).toEqual([])
})

it('refuses what stands on a photo that was refused', async () => {
  hub.fail.set('photo p1', new ApiError(422, 'not a photo'))
  await box.addPhoto('p1', new Blob(['?']))
  await box.add(photo('p1'), proof('p1'))
  await box.flush()
  expect(hub.got).toEqual([])
  expect(seen.map((e) => !!e.refused)).toEqual([true, true])
})

it('waits for a sign-in when the session has ended', async () => {
  hub.fail.set('a', new ApiError(401, 'sign in first'))
  await box.add(command('a'))
  expect(await box.flush()).toBe('signed-out')
  expect((await box.entries()).length).toBe(1)
})

it('sends once when two ask at the same time, and does not forget what came meanwhile', async () => {
  await box.add(command('a'))
  const both = [box.flush(), box.add(command('b')).then(() => box.flush())]
  await Promise.all(both)
  await box.flush()
  expect(hub.got).toEqual(['a', 'b'])
})

it('survives a reload: a new page finds what the old one wrote', async () => {
  await box.add(command('a'))
  const later = new Outbox(store, hub, () => undefined)
  await later.flush()
  expect(hub.got).toEqual(['a'])
})
