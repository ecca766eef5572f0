/**
 * The sound of a talk group: a connection that publishes the microphone, which
 * stays warm and is closed until the button is pressed, and one that plays what
 * the hub gives. The page always offers.
 */
import { onMoved } from './roaming'
import { directFails, directWithin, iceServers } from './relay'

export type Offer = (kind: 'publish' | 'subscribe', sdp: string) => Promise<string>

const again = 500 // ms before a connection that failed is made anew

export class TalkMedia {
  readonly player = new Audio()
  private publisher: RTCPeerConnection | null = null
  private subscriber: RTCPeerConnection | null = null
  private microphone: MediaStreamTrack | null = null
  private closed = false
  private rebuilding = false
  private settle: () => void = () => undefined

  constructor(private offer: Offer, private onState: (up: boolean) => void) {
    this.player.autoplay = true
  }

  /** Opens the microphone, once; false: it was refused or there is none. */
  async open(): Promise<boolean> {
    if (this.microphone) return true
    try {
      const audio: MediaTrackConstraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
      const stream = await navigator.mediaDevices.getUserMedia({ audio })
      this.microphone = stream.getAudioTracks()[0] ?? null
      if (this.microphone) this.microphone.enabled = false
      return this.microphone !== null
    } catch {
      return false
    }
  }

  /** Makes both connections, or makes them anew, until they stand. */
  start(): void {
    this.connect().catch(() => this.rebuild())
  }

  private async connect(): Promise<void> {
    this.hangUp()
    const servers = { iceServers: await iceServers() }
    if (this.closed) return
    const publisher = this.connection(servers)
    const subscriber = this.connection(servers)
    this.publisher = publisher
    this.subscriber = subscriber
    this.settle = onMoved(() => [publisher, subscriber], () => this.rebuild())
    publisher.addTransceiver(this.microphone ?? 'audio', { direction: 'sendonly' })
    subscriber.addTransceiver('audio', { direction: 'recvonly' })
    subscriber.ontrack = (e) => {
      this.player.srcObject = new MediaStream([e.track])
      this.player.play().catch(() => undefined) // the next tap plays it
    }
    await Promise.all([this.negotiate(publisher, 'publish'), this.negotiate(subscriber, 'subscribe')])
    setTimeout(() => {
      const own = publisher === this.publisher && !this.closed
      if (own && !this.up && directFails()) this.rebuild()
    }, directWithin)
  }

  /** Lets what the microphone hears through, or not. */
  gate(open: boolean): void {
    if (this.microphone) this.microphone.enabled = open
    if (open) this.player.play().catch(() => undefined)
  }

  get up(): boolean {
    return this.publisher?.connectionState === 'connected' && this.subscriber?.connectionState === 'connected'
  }

  get hears(): boolean { return this.subscriber?.connectionState === 'connected' && !this.player.paused }

  async stats(): Promise<{ publish: RTCStatsReport; subscribe: RTCStatsReport } | null> {
    if (!this.publisher || !this.subscriber) return null
    const [publish, subscribe] = await Promise.all([this.publisher.getStats(), this.subscriber.getStats()])
    return { publish, subscribe }
  }

  close(): void {
    this.closed = true
    this.hangUp()
    this.microphone?.stop()
    this.player.srcObject = null
  }

  private hangUp(): void {
    this.settle()
    for (const pc of [this.publisher, this.subscriber]) {
      if (pc) { pc.onconnectionstatechange = null; pc.close() }
    }
  }

  private connection(config: RTCConfiguration): RTCPeerConnection {
    const pc = new RTCPeerConnection(config)
    pc.onconnectionstatechange = () => {
      this.onState(this.up)
      if (pc.connectionState === 'failed') this.rebuild()
    }
    return pc
  }

  private async negotiate(pc: RTCPeerConnection, kind: 'publish' | 'subscribe'): Promise<void> {
    await pc.setLocalDescription()
    const sdp = await this.offer(kind, pc.localDescription?.sdp ?? '')
    if (pc.signalingState !== 'closed') await pc.setRemoteDescription({ type: 'answer', sdp })
  }

  private rebuild(): void {
    if (this.rebuilding || this.closed) return
    this.rebuilding = true
    setTimeout(() => {
      this.rebuilding = false
      if (!this.closed) this.start()
    }, again)
  }
}
