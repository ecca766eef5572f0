// How to be relayed: the hub's own TURN server, for networks that let media
// through to nowhere else. Where there is none, or nobody answers, a connection
// goes without.
interface Relay { iceServers: RTCIceServer[]; expires?: string }

const fresh = 5 * 60_000 // ms: what was answered admits for ten minutes
const within = 2_000

let known: Promise<RTCIceServer[]> | null = null
let asked = 0

async function ask(): Promise<RTCIceServer[]> {
  try {
    const r = await fetch('/api/v1/calls/relay', { signal: AbortSignal.timeout(within) })
    if (!r.ok) throw new Error(String(r.status))
    return ((await r.json()) as Relay).iceServers ?? []
  } catch {
    known = null // the next connection asks again
    return []
  }
}

/** relayServers are the hub's relays, to be asked for before each connection. */
export function relayServers(): Promise<RTCIceServer[]> {
  if (!known || Date.now() - asked > fresh) {
    asked = Date.now()
    known = ask()
  }
  return known
}
