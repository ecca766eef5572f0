// How to be relayed: the hub's own TURN server, for networks that let media
// through to nowhere else. The direct way is tried first, for a relay costs the
// hub a port and everybody some delay; where it fails, this window goes by the
// relay for a while.
interface Relay { iceServers?: RTCIceServer[] | null; expires?: string }

/** Within which a direct connection stands, or is given up, in ms. */
export const directWithin = 4_000

const fresh = 5 * 60_000 // ms: what was answered admits for ten minutes
const narrow = 30 * 60_000 // ms for which a network is taken for narrow
const answers = 2_000 // ms
const key = 'gridhub.relay'

let known: Promise<RTCIceServer[]> | null = null
let asked = 0
let until = Number(globalThis.sessionStorage?.getItem(key) ?? 0)

async function ask(): Promise<RTCIceServer[]> {
  try {
    const r = await fetch('/api/v1/calls/relay', { signal: AbortSignal.timeout(answers) })
    if (!r.ok) throw new Error(String(r.status))
    return ((await r.json()) as Relay).iceServers ?? []
  } catch {
    known = null // the next connection asks again
    return []
  }
}

/** relays are all of the hub's, with credentials. */
export function relays(): Promise<RTCIceServer[]> {
  if (!known || Date.now() - asked > fresh) {
    asked = Date.now()
    known = ask()
  }
  return known
}

/** iceServers are those that the next connection should use: none while the direct way is open. */
export async function iceServers(): Promise<RTCIceServer[]> {
  return Date.now() < until ? relays() : []
}

/** directFails says that a connection did not come about; true: it is worth trying again by the relay. */
export function directFails(): boolean {
  const first = Date.now() >= until
  until = Date.now() + narrow
  globalThis.sessionStorage?.setItem(key, String(until))
  return first
}
