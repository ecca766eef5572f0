// The ways from this browser to the hub's media, each tried by itself, as a
// call would go it.
import type { Probe } from './probe'
import { relays } from './relay'

export type Way = 'udp' | 'tcp' | 'turn-udp' | 'turn-tcp' | 'turn-tls'
export const ways: Way[] = ['udp', 'tcp', 'turn-udp', 'turn-tcp', 'turn-tls']

/** What a try found: connected after ms, or why not. */
export interface Found { way: Way; ok: boolean; ms: number; rtt?: number; why?: 'no-relay' | 'no-answer' | 'no-way' | 'not-offered' }

const within = 8_000 // ms

const direct = { udp: / udp /i, tcp: / tcp /i } as const

/** only keeps, of the hub's addresses, those of one transport. */
export function only(sdp: string, transport: 'udp' | 'tcp'): string {
  return sdp.split('\r\n').filter((l) => !l.startsWith('a=candidate:') || direct[transport].test(l)).join('\r\n')
}

/** relayOf is the one relay address of a way; null: the hub has none. */
export function relayOf(servers: RTCIceServer[], way: Way): RTCIceServer | null {
  const scheme = { 'turn-udp': /^turn:.*transport=udp/, 'turn-tcp': /^turn:.*transport=tcp/, 'turn-tls': /^turns:/, udp: /$^/, tcp: /$^/ }[way]
  for (const s of servers) {
    const urls = [s.urls].flat().filter((u) => scheme.test(u))
    if (urls.length) return { ...s, urls }
  }
  return null
}

export async function tryWay(way: Way, offer: Probe): Promise<Found> {
  const began = performance.now()
  const fails = (why: NonNullable<Found['why']>): Found => ({ way, ok: false, ms: performance.now() - began, why })
  let config: RTCConfiguration = {}
  if (way.startsWith('turn')) {
    const relay = relayOf(await relays(), way)
    if (!relay) return fails('no-relay')
    config = { iceServers: [relay], iceTransportPolicy: 'relay' }
  }
  const pc = new RTCPeerConnection(config)
  try {
    pc.addTransceiver('audio', { direction: 'recvonly' })
    await pc.setLocalDescription()
    let sdp: string
    try {
      sdp = await offer(pc.localDescription?.sdp ?? '')
    } catch {
      return fails('no-answer')
    }
    const answer = way === 'udp' || way === 'tcp' ? only(sdp, way) : only(sdp, 'udp')
    if (!answer.includes('a=candidate:')) return fails('not-offered')
    await pc.setRemoteDescription({ type: 'answer', sdp: answer })
    if (!(await connected(pc))) return fails('no-way')
    const ms = performance.now() - began
    const rtt = await roundTrip(pc)
    return rtt === undefined ? { way, ok: true, ms } : { way, ok: true, ms, rtt }
  } finally {
    pc.close()
  }
}

function connected(pc: RTCPeerConnection): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), within)
    pc.onconnectionstatechange = () => {
      if (pc.connectionState !== 'connected' && pc.connectionState !== 'failed') return
      clearTimeout(late)
      resolve(pc.connectionState === 'connected')
    }
  })
}

/** roundTrip is the time to the hub and back in ms, as the pair in use found it. */
async function roundTrip(pc: RTCPeerConnection): Promise<number | undefined> {
  for (const r of (await pc.getStats()).values() as Iterable<{ type: string; state?: string; nominated?: boolean; currentRoundTripTime?: number }>) {
    if (r.type === 'candidate-pair' && r.state === 'succeeded' && r.nominated && r.currentRoundTripTime) return r.currentRoundTripTime * 1000
  }
  return undefined
}
