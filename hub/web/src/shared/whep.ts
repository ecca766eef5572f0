// Watching a stream over WHEP: one POST that carries an offer, one answer.

/** A stream that is watched; stop ends it at the hub too. */
export interface Watching { stop(): void }

export class WatchError extends Error {
  constructor(readonly status: number, detail: string) {
    super(detail)
  }
}

const patience = 5_000 // ms until the browser's addresses are known
const again = 2_000 // ms before a lost connection is made anew

/** watch plays a stream in a video element, again after each loss, until it is stopped. */
export function watch(url: string, video: HTMLVideoElement, told: (problem: Error | null) => void): Watching {
  let stopped = false
  let session: Session | undefined
  const run = async (): Promise<void> => {
    while (!stopped) {
      try {
        session = await Session.open(url, video)
        told(null)
        await session.lost
      } catch (e) {
        told(e instanceof Error ? e : new Error(String(e)))
        if (e instanceof WatchError && e.status < 500 && e.status !== 429) return // asking again will not help
      } finally {
        session?.close()
      }
      await new Promise((resolve) => setTimeout(resolve, again))
    }
  }
  void run()
  return { stop: () => { stopped = true; session?.close(); video.srcObject = null } }
}

/** Session is one connection, from POST to DELETE. */
class Session {
  private at = ''
  readonly lost: Promise<void>

  private constructor(private pc: RTCPeerConnection) {
    this.lost = new Promise((resolve) => {
      pc.onconnectionstatechange = () => { if (pc.connectionState === 'failed' || pc.connectionState === 'closed') resolve() }
    })
  }

  static async open(url: string, video: HTMLVideoElement): Promise<Session> {
    const pc = new RTCPeerConnection()
    const s = new Session(pc)
    pc.addTransceiver('video', { direction: 'recvonly' })
    pc.ontrack = (e) => { video.srcObject = e.streams[0] ?? new MediaStream([e.track]) }
    try {
      await pc.setLocalDescription()
      await gathered(pc)
      const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: pc.localDescription?.sdp ?? '' })
      const body = await answer.text()
      if (!answer.ok) throw new WatchError(answer.status, body.trim())
      s.at = answer.headers.get('Location') ?? ''
      await pc.setRemoteDescription({ type: 'answer', sdp: body })
    } catch (e) {
      s.close()
      throw e
    }
    return s
  }

  close(): void {
    this.pc.close()
    if (this.at) void fetch(this.at, { method: 'DELETE', keepalive: true }).catch(() => undefined) // the hub notices by itself too
    this.at = ''
  }
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === 'complete') return Promise.resolve()
  return new Promise((resolve) => {
    const late = setTimeout(resolve, patience)
    pc.onicegatheringstatechange = () => {
      if (pc.iceGatheringState !== 'complete') return
      clearTimeout(late)
      resolve()
    }
  })
}
