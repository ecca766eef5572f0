// What the terminal tells over MQTT: positions and events, numbered once when
// they happen, so that sending again is a repeat and not a second reading.
//
// Bounded: at most 5,000 entries, some 14 hours of fixes every ten seconds.
// When full, the oldest positions go and are counted; events never go.
import type { Store } from './db'

export interface Message {
  seq: number
  kind: 'position' | 'event'
  body: Record<string, unknown>
}

export const most = 5_000
const window = 10 // publishes in flight

export type Publish = (kind: Message['kind'], payload: string) => Promise<void>

interface Counter { epoch: number; seq: number }

export class Uplink {
  private counter: Counter | null = null
  private sending = false
  private chain: Promise<void> = Promise.resolve()
  dropped = 0

  constructor(private store: Store, private now: () => number = Date.now, private limit = most) {}

  private async next(): Promise<Counter> {
    this.counter ??= (await this.store.get<Counter>('kept', 'counter')) ?? { epoch: this.now(), seq: 0 }
    this.counter = { ...this.counter, seq: this.counter.seq + 1 }
    await this.store.put('kept', this.counter, 'counter')
    return this.counter
  }

  /** add writes a message down; at is when it happened. */
  add(kind: Message['kind'], body: Record<string, unknown>): Promise<void> {
    const write = async () => {
      const { epoch, seq } = await this.next()
      await this.store.put('uplink', { seq, kind, body: { v: 1, epoch, seq, ...body } } satisfies Message)
      await this.trim()
    }
    const done = this.chain.then(write) // one after the other, so that no number is given twice
    this.chain = done.catch(() => undefined)
    return done
  }

  private async trim(): Promise<void> {
    const over = (await this.store.count('uplink')) - this.limit
    if (over <= 0) return
    const oldest = (await this.store.all<Message>('uplink', over + 100)).filter((m) => m.kind === 'position').slice(0, over)
    for (const m of oldest) await this.store.delete('uplink', m.seq)
    this.dropped += oldest.length
  }

  waiting(): Promise<number> {
    return this.store.count('uplink')
  }

  /** drain publishes what waits, oldest first. An entry goes only after its acknowledgement. */
  async drain(publish: Publish): Promise<void> {
    if (this.sending) return
    this.sending = true
    try {
      for (;;) {
        const batch = await this.store.all<Message>('uplink', window)
        if (!batch.length) return
        await Promise.all(batch.map((m) => publish(m.kind, JSON.stringify({ ...m.body, now: this.now() }))))
        await this.store.delete('uplink', IDBKeyRange.upperBound((batch.at(-1) as Message).seq))
      }
    } catch {
      // the link broke: what was not acknowledged is still here and goes next time
    } finally {
      this.sending = false
    }
  }
}
