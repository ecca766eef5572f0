// What pages see of calls. A face gives the transport: the centre a WebSocket,
// the field MQTT.
import type { Ref } from 'vue'

export type CallMedia = 'audio' | 'video'
export type CallPhase = 'outgoing' | 'incoming' | 'connecting' | 'live' | 'resuming' | 'ended'

/** One call as a page shows it. Peer is a PersonID, or empty for the centre. */
export interface CallView {
  id: string
  peer: string
  case?: string
  media: CallMedia
  phase: CallPhase
  since: number
  reason?: string
  local: MediaStream | null
  remote: MediaStream | null
  muted: boolean
  camera: boolean
}

export interface Calls {
  calls: Readonly<Ref<readonly CallView[]>>
  available: Readonly<Ref<boolean>>
  problem: Readonly<Ref<string>>
  invite(people: string[], media: CallMedia, caseId?: string): Promise<void>
  accept(id: string): Promise<void>
  decline(id: string): void
  hangup(id: string): void
  mute(id: string, on: boolean): void
  setCamera(id: string, on: boolean): Promise<void>
}
