// The way of a test connection to the hub, which takes part in no call.
import { nextNumber } from './session'

export type ProbeReply = { v: number; re?: number } & ({ type: 'path.answer'; sdp: string } | { type: 'path.error'; code: string; message: string })
export type Probe = (sdp: string) => Promise<string>

const within = 6_000 // ms

export function makeProbe(send: (message: object) => void) {
  const waiting = new Map<number, { resolve(sdp: string): void; reject(e: Error): void }>()
  return {
    /** offer brings an offer to the hub and its answer back. */
    offer: (sdp: string) => new Promise<string>((resolve, reject) => {
      const seq = nextNumber()
      waiting.set(seq, { resolve, reject })
      setTimeout(() => { if (waiting.delete(seq)) reject(new Error('no answer')) }, within)
      send({ v: 1, type: 'path.offer', seq, sdp })
    }),
    receive(r: ProbeReply): void {
      const w = waiting.get(r.re ?? 0)
      waiting.delete(r.re ?? 0)
      if (r.type === 'path.answer') w?.resolve(r.sdp)
      else w?.reject(new Error(r.message))
    },
  }
}
