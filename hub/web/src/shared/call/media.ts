/**
 * The media of one call: a connection that publishes and one that subscribes.
 * The page always offers, so offers never cross. Signalling is a function
 * that sends an offer and resolves to the answer.
 */
import type { Media, Tracks } from './protocol'
import { onMoved } from './roaming'
import { directFails, directWithin, iceServers } from './relay'

export type Negotiate = (kind: 'publish' | 'subscribe', sdp: string) => Promise<string>

/** Everything one person sends, as one stream that stays the same object. */
export interface Remote {
  person: string
  stream: MediaStream
}

export interface MediaHooks {
  negotiate: Negotiate
  onRemotes(remotes: Remote[]): void
  /** A connection failed for good: both must be made anew. */
  onFailed(): void
}

export class CallMedia {
  private publisher: RTCPeerConnection
  private subscriber: RTCPeerConnection
  private senders: { audio: RTCRtpSender; video?: RTCRtpSender }
  private remotes = new Map<string, MediaStream>()
  private tracks: Tracks = { version: -1, playing: [], missingAudio: 0, missingVideo: 0 }
  private chain: Promise<void> = Promise.resolve()
  private closed = false
  private settle: () => void

  constructor(media: Media, private hooks: MediaHooks) {
    this.publisher = this.connection()
    this.subscriber = this.connection()
    this.settle = onMoved(() => [this.publisher, this.subscriber], () => { if (!this.closed) this.hooks.onFailed() })
    const send: RTCRtpTransceiverInit = { direction: 'sendonly' }
    this.senders = { audio: this.publisher.addTransceiver('audio', send).sender }
    this.subscriber.addTransceiver('audio', { direction: 'recvonly' })
    if (media === 'video') {
      this.senders.video = this.publisher.addTransceiver('video', send).sender
      this.subscriber.addTransceiver('video', { direction: 'recvonly' })
    }
  }

  /** Negotiates both connections. Nothing is sent before send(). */
  async connect(): Promise<void> {
    const servers = await iceServers()
    if (this.closed) return
    for (const pc of [this.publisher, this.subscriber]) pc.setConfiguration({ iceServers: servers })
    await Promise.all([this.offer('publish'), this.offer('subscribe')])
    setTimeout(() => this.judge(), directWithin)
  }

  /** Sends the tracks of local from now on; null sends nothing. */
  async send(local: MediaStream | null): Promise<void> {
    await this.senders.audio.replaceTrack(local?.getAudioTracks()[0] ?? null)
    await this.senders.video?.replaceTrack(local?.getVideoTracks()[0] ?? null)
  }

  /** Takes what the hub says about tracks: who is heard in which section. */
  take(tracks: Tracks): void {
    if (this.closed || tracks.version < this.tracks.version) return
    this.tracks = tracks
    this.arrange()
    if (tracks.missingAudio + tracks.missingVideo > 0) {
      this.offer('subscribe').catch(() => this.hooks.onFailed())
    }
  }

  /** Whether media flows, or still may without our doing anything. */
  get healthy(): boolean {
    const good: RTCPeerConnectionState[] = ['new', 'connecting', 'connected']
    return good.includes(this.publisher.connectionState) && good.includes(this.subscriber.connectionState)
  }

  async stats(): Promise<{ publish: RTCStatsReport; subscribe: RTCStatsReport }> {
    const [publish, subscribe] = await Promise.all([this.publisher.getStats(), this.subscriber.getStats()])
    return { publish, subscribe }
  }

  close(): void {
    this.closed = true
    this.settle()
    this.publisher.close()
    this.subscriber.close()
    this.remotes.clear()
  }

  /** A direct way that has not come about by now is given up for the relay. */
  private judge(): void {
    const standing = [this.publisher, this.subscriber].every((pc) => pc.connectionState === 'connected')
    if (!this.closed && !standing && directFails()) this.hooks.onFailed()
  }

  private connection(): RTCPeerConnection {
    const pc = new RTCPeerConnection()
    pc.onconnectionstatechange = () => {
      if (!this.closed && pc.connectionState === 'failed') this.hooks.onFailed()
    }
    return pc
  }

  /** One negotiation after the other. The hub needs no candidates of ours. */
  private offer(kind: 'publish' | 'subscribe'): Promise<void> {
    const pc = kind === 'publish' ? this.publisher : this.subscriber
    const next = async (): Promise<void> => {
      if (this.closed) return
      if (kind === 'subscribe') this.addSections()
      await pc.setLocalDescription()
      const sdp = await this.hooks.negotiate(kind, pc.localDescription?.sdp ?? '')
      if (this.closed) return
      await pc.setRemoteDescription({ type: 'answer', sdp })
      this.arrange()
    }
    const result = this.chain.then(next)
    this.chain = result.catch(() => undefined)
    return result
  }

  /** A place for every track that has none. */
  private addSections(): void {
    const { missingAudio, missingVideo } = this.tracks
    for (let i = 0; i < missingAudio; i++) this.subscriber.addTransceiver('audio', { direction: 'recvonly' })
    for (let i = 0; i < missingVideo; i++) this.subscriber.addTransceiver('video', { direction: 'recvonly' })
    this.tracks = { ...this.tracks, missingAudio: 0, missingVideo: 0 }
  }

  /** Puts each playing track into the stream of its person. */
  private arrange(): void {
    const wanted = new Map<string, MediaStreamTrack[]>()
    for (const { mid, person } of this.tracks.playing ?? []) {
      const track = this.subscriber.getTransceivers().find((t) => t.mid === mid)?.receiver.track
      if (track) wanted.set(person, [...(wanted.get(person) ?? []), track])
    }
    for (const person of this.remotes.keys()) {
      if (!wanted.has(person)) this.remotes.delete(person)
    }
    for (const [person, tracks] of wanted) {
      const stream = this.remotes.get(person) ?? new MediaStream()
      for (const old of stream.getTracks()) if (!tracks.includes(old)) stream.removeTrack(old)
      for (const track of tracks) stream.addTrack(track)
      this.remotes.set(person, stream)
    }
    this.hooks.onRemotes([...this.remotes].map(([person, stream]) => ({ person, stream })))
  }
}
