// Everything that a worker does goes through the outbox: it is written down
// first, and sent in the order of the deeds when the hub can be reached. Ids
// are made here, so that a repeat is harmless.
//
// The outbox has no bound: nothing typed or photographed may be lost. When the
// phone is full, add fails and the page says so before anything counts as done.
import type { CheckIn, Command, Report } from '@/shared/api/types'
import { ApiError } from '@/shared/api/client'
import type { Store } from './db'

/** Where evidence stands in a deed, the id of a photo taken here may stand. */
export type Deed =
  | { kind: 'photo'; photo: string; case?: string; of: string; at: number; lon?: number; lat?: number; accuracy?: number }
  | { kind: 'command'; case: string; body: Command; photo?: string }
  | { kind: 'checkin'; body: CheckIn; photo: string }
  | { kind: 'report'; body: Report }
  | { kind: 'duty'; on: boolean; at: number }

export type Entry = Deed & { n: number; refused?: string }

/** Sender does one deed at the hub. Hash is that of the deed's photo, where it has one. */
export interface Sender {
  upload(deed: Extract<Deed, { kind: 'photo' }>, photo: Blob): Promise<string>
  send(deed: Exclude<Deed, { kind: 'photo' }>, hash: string | undefined): Promise<void>
}

export type Outcome = 'empty' | 'later' | 'signed-out'

const hashKey = (photo: string) => `hash:${photo}`

export class Outbox {
  private running: Promise<Outcome> | null = null
  private again = false

  constructor(private store: Store, private sender: Sender, private changed: (entries: Entry[]) => void) {}

  async add(...deeds: Deed[]): Promise<void> {
    for (const deed of deeds) await this.store.put('outbox', deed)
    await this.tell()
  }

  async addPhoto(id: string, photo: Blob): Promise<void> {
    await this.store.put('photos', photo, id)
  }

  entries(): Promise<Entry[]> {
    return this.store.all<Entry>('outbox')
  }

  /** dismiss removes what the hub refused, after the worker has read why. */
  async dismiss(n: number): Promise<void> {
    await this.store.delete('outbox', n)
    await this.tell()
  }

  /** flush sends what waits, in order, until nothing waits or the hub cannot be reached. */
  flush(): Promise<Outcome> {
    this.again = true
    this.running ??= this.run().finally(() => { this.running = null })
    return this.running
  }

  private async run(): Promise<Outcome> {
    let outcome: Outcome = 'empty'
    while (this.again && outcome === 'empty') {
      this.again = false
      for (const entry of await this.entries()) {
        if (entry.refused) continue
        outcome = await this.one(entry)
        if (outcome !== 'empty') break
      }
    }
    return outcome
  }

  private async one(entry: Entry): Promise<Outcome> {
    try {
      await this.deliver(entry)
      await this.store.delete('outbox', entry.n)
    } catch (e) {
      if (!(e instanceof ApiError)) throw e
      if (e.status === 401) return 'signed-out'
      if (e.retry) return 'later'
      await this.store.put('outbox', { ...entry, refused: e.detail }) // kept until somebody has read it
    }
    await this.tell()
    return 'empty'
  }

  private async deliver(entry: Entry): Promise<void> {
    if (entry.kind === 'photo') return this.upload(entry)
    const photo = 'photo' in entry ? entry.photo : undefined
    const hash = photo ? await this.store.get<string>('kept', hashKey(photo)) : undefined
    if (photo && !hash) throw new ApiError(422, 'its photo was not accepted')
    await this.sender.send(entry, hash)
  }

  private async upload(entry: Extract<Entry, { kind: 'photo' }>): Promise<void> {
    const photo = await this.store.get<Blob>('photos', entry.photo)
    if (!photo) throw new ApiError(410, 'the photo is no longer on this phone')
    const hash = await this.sender.upload(entry, photo)
    await this.store.put('kept', hash, hashKey(entry.photo))
    await this.store.delete('photos', entry.photo)
  }

  private async tell(): Promise<void> {
    this.changed(await this.entries())
  }
}
