/**
 * One call, as a page holds it.
 *
 * Pages do not construct sessions: Switchboard (switchboard.ts) does, for
 * calls that come in and calls that go out. With a session a page
 *   - shows `state` (who, since when, why) whenever onState is called,
 *   - calls accept(), decline(reason), hangup(reason), end(),
 *   - attaches each remote's `stream` to a <video autoplay playsinline> (the
 *     stream of a person stays the same object while the call lasts) and
 *     `local` to a muted one,
 *   - mutes with setMicrophone(false), setCamera(false).
 * Everything else happens by itself: it tells the hub that it rings, connects
 * media while it rings (the microphone opens only on accept), reconnects and
 * resumes after a dead spot, and lets go of camera and microphone at the end.
 * Commands are repeated after a reconnect until the hub has answered them.
 */
import { CallMedia, type Remote } from './media'
import type { CallState, Command, ErrorCode, Invite, Reply, Request, SeatStatus, Tracks } from './protocol'
import { VERSION } from './protocol'

/** Why something did not work. 'media' is the device's own: no permission, no camera. */
export interface CallError {
  code: ErrorCode | 'media' | 'timeout'
  message: string
}

export interface SessionHooks {
  onState?(state: CallState, session: CallSession): void
  onRemotes?(remotes: Remote[], session: CallSession): void
  onLocal?(local: MediaStream | null, session: CallSession): void
  onError?(error: CallError, session: CallSession): void
}

export interface SessionOptions extends SessionHooks {
  send(message: Request): void
  /** Opens camera and microphone; replaceable for tests and for pages that share them. */
  open?: ((media: 'audio' | 'video') => Promise<MediaStream>) | undefined
  onOver(session: CallSession): void
}

type Numbered = Extract<Request, { seq: number }>
interface Waiting {
  resolve(sdp: string): void
  reject(error: CallError): void
}

const ANSWER_WITHIN_MS = 10_000
const REBUILD_AFTER_MS = 300
const MAX_OUTSTANDING = 16
const GONE: SeatStatus[] = ['left', 'declined', 'busy', 'timed-out', 'elsewhere', 'lost', 'missed']

/** Upwards for ever, also over a reload of the page. */
let counter = 0
export function nextNumber(): number {
  counter = Math.max(counter + 1, Date.now())
  return counter
}

export class CallSession {
  state: CallState | null = null
  local: MediaStream | null = null
  remotes: Remote[] = []

  private media: CallMedia | null = null
  private boot = ''
  private epoch = nextNumber()
  private outstanding: Numbered[] = []
  private waiting = new Map<number, Waiting>()
  private rebuild: ReturnType<typeof setTimeout> | null = null
  private microphone = true
  private camera = true
  private opened = false
  private returning = false
  private over = false

  constructor(readonly id: string, private options: SessionOptions) {}

  /** Calls somebody. The microphone opens at once: whoever calls, speaks. */
  async invite(invite: Invite): Promise<void> {
    this.command({ v: VERSION, type: 'invite', call: this.id, seq: nextNumber(), epoch: this.epoch, ...invite })
    if (invite.mode !== 'listen') await this.openLocal(invite.media ?? 'audio')
  }

  async accept(): Promise<void> {
    this.say('accept')
    if (this.state?.mode !== 'broadcast') await this.openLocal(this.state?.media ?? 'audio')
  }

  decline(reason = ''): void { this.say('decline', reason) }
  hangup(reason = ''): void { this.say('hangup', reason) }
  /** Ends the call for everybody; only its caller may. */
  end(reason = ''): void { this.say('end', reason) }

  setMicrophone(on: boolean): void {
    this.microphone = on
    for (const t of this.local?.getAudioTracks() ?? []) t.enabled = on
  }

  setCamera(on: boolean): void {
    this.camera = on
    for (const t of this.local?.getVideoTracks() ?? []) t.enabled = on
  }

  /** Forgets the call here without a word to the hub. */
  dismiss(): void { this.close() }

  /** The transport is back after a break: repeats what was not answered, and resumes. */
  reconnected(): void {
    if (this.over) return
    this.returning = true
    for (const message of this.outstanding) this.options.send(message)
    this.failWaiting({ code: 'timeout', message: 'connection lost' })
    if (this.state?.self === 'joined' || this.state?.self === 'resuming') this.resume()
  }

  /** Takes a message about this call. */
  receive(reply: Reply): void {
    if (this.over) return
    if (reply.re !== undefined) this.outstanding = this.outstanding.filter((m) => m.seq !== reply.re)
    switch (reply.type) {
      case 'state': return this.follow(reply.state)
      case 'tracks': return this.media?.take(reply.tracks)
      case 'answer': return this.answered(reply.re ?? 0, reply.sdp, reply.tracks)
      case 'error': return this.failed(reply.re ?? 0, reply)
    }
  }

  /** Raw WebRTC statistics, null before media is connected. */
  async stats(): Promise<Awaited<ReturnType<CallMedia['stats']>> | null> {
    return this.media ? this.media.stats() : null
  }

  private follow(state: CallState): void {
    this.state = state
    this.options.onState?.(state, this)
    if (state.phase === 'ended' || GONE.includes(state.self)) return this.close()
    if (state.self === 'invited') return this.say('ringing')
    if (state.self === 'resuming') return this.resume()
    if (state.self === 'joined' && state.sends) void this.openLocal(state.media)
    if (state.self === 'joined') this.returning = false
    const stale = this.media !== null && this.boot !== state.boot
    if (stale && state.self === 'ringing') this.say('ringing') // the hub has forgotten where it rings
    if ((this.media === null || stale) && (state.self === 'ringing' || state.self === 'joined')) this.connect()
  }

  /** Asks for the seat with a newer epoch, once at a time, and replaces media that has died. */
  private resume(): void {
    if (this.outstanding.some((m) => m.type === 'resume')) return
    this.epoch = nextNumber()
    this.say('resume')
    // Away although messages came through: it is media that the hub lost.
    if (this.media && (!this.media.healthy || !this.returning)) this.connect()
  }

  private connect(): void {
    this.cancelRebuild()
    this.media?.close()
    this.boot = this.state?.boot ?? ''
    const media = new CallMedia(this.state?.media ?? 'audio', {
      negotiate: (kind, sdp) => this.negotiate(kind, sdp),
      onRemotes: (remotes) => {
        this.remotes = remotes
        this.options.onRemotes?.(remotes, this)
      },
      onFailed: () => this.mediaFailed(media),
    })
    this.media = media
    media.send(this.local).catch(() => undefined)
    media.connect().catch(() => this.mediaFailed(media))
  }

  private mediaFailed(media: CallMedia): void {
    if (this.over || media !== this.media || this.rebuild !== null) return
    this.rebuild = setTimeout(() => {
      this.rebuild = null
      if (this.over || media !== this.media) return
      this.connect()
    }, REBUILD_AFTER_MS)
  }

  private cancelRebuild(): void {
    if (this.rebuild !== null) clearTimeout(this.rebuild)
    this.rebuild = null
  }

  /** Once per call, however often it is asked for. */
  private async openLocal(kind: 'audio' | 'video'): Promise<void> {
    if (this.opened) return
    this.opened = true
    try {
      const stream = await (this.options.open ?? openDevices)(kind)
      if (this.over) return stop(stream)
      this.local = stream
      this.setMicrophone(this.microphone)
      this.setCamera(this.camera)
      this.options.onLocal?.(stream, this)
      await this.media?.send(stream)
    } catch (e) {
      this.options.onError?.({ code: 'media', message: String(e) }, this)
    }
  }

  private say(type: Command, reason = ''): void {
    const message: Numbered = { v: VERSION, type, call: this.id, seq: nextNumber(), epoch: this.epoch }
    this.command(reason ? { ...message, reason } : message)
  }

  private command(message: Numbered): void {
    this.outstanding = [...this.outstanding, message].slice(-MAX_OUTSTANDING)
    this.options.send(message)
  }

  private negotiate(type: 'publish' | 'subscribe', sdp: string): Promise<string> {
    const seq = nextNumber()
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting.delete(seq)
        reject({ code: 'timeout', message: `no answer to ${type}` })
      }, ANSWER_WITHIN_MS)
      this.waiting.set(seq, {
        resolve: (answer) => { clearTimeout(late); resolve(answer) },
        reject: (error) => { clearTimeout(late); reject(error) },
      })
      this.options.send({ v: VERSION, type, call: this.id, seq, sdp })
    })
  }

  private answered(re: number, sdp: string, tracks?: Tracks): void {
    this.waiting.get(re)?.resolve(sdp)
    this.waiting.delete(re)
    if (tracks) this.media?.take(tracks)
  }

  private failed(re: number, error: CallError): void {
    const offer = this.waiting.get(re)
    this.waiting.delete(re)
    offer?.reject(error)
    if (offer) return
    this.options.onError?.(error, this)
    if (['over', 'not-invited', 'forbidden', 'elsewhere'].includes(error.code)) this.close()
  }

  private failWaiting(error: CallError): void {
    for (const w of this.waiting.values()) w.reject(error)
    this.waiting.clear()
  }

  private close(): void {
    if (this.over) return
    this.over = true
    this.cancelRebuild()
    this.failWaiting({ code: 'over', message: 'the call is over' })
    this.media?.close()
    this.media = null
    stop(this.local)
    this.local = null
    this.remotes = []
    this.options.onLocal?.(null, this)
    this.options.onRemotes?.([], this)
    this.options.onOver(this)
  }
}

function stop(stream: MediaStream | null): void {
  for (const t of stream?.getTracks() ?? []) t.stop()
}

/** Camera and microphone; where there is no camera, the voice alone. */
async function openDevices(kind: 'audio' | 'video'): Promise<MediaStream> {
  const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
  if (kind === 'video') {
    const video: MediaTrackConstraints = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { max: 30 }, facingMode: 'user' }
    try {
      return await navigator.mediaDevices.getUserMedia({ audio, video })
    } catch (e) {
      if (!(e instanceof DOMException) || e.name !== 'NotFoundError') throw e
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio })
}
