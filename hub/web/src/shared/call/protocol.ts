/**
 * The messages of a call between a page and the hub: the TypeScript face of
 * streams/signaling/PROTOCOL.md, which explains them. The same JSON travels
 * over the WebSocket of the centre and over MQTT (up/call, down/call).
 */

export const VERSION = 1

export type Mode = 'one' | 'group' | 'broadcast' | 'listen'
export type Media = 'audio' | 'video'
export type Priority = 'normal' | 'urgent' | 'emergency'
export type Phase = 'calling' | 'live' | 'ended'
export type SeatStatus =
  | 'invited' | 'ringing' | 'joined' | 'resuming' | 'unreachable' | 'declined'
  | 'busy' | 'timed-out' | 'elsewhere' | 'left' | 'lost' | 'missed'

/** What a caller asks for. */
export interface Invite {
  callees: string[]
  task?: string
  mode?: Mode
  media?: Media
  priority?: Priority
  /** How long it rings, 5 to 120; 30 where nothing is said. */
  ringSeconds?: number
}

export type Command = 'ringing' | 'accept' | 'decline' | 'busy' | 'hangup' | 'end' | 'resume'

/** A message to the hub. */
export type Request = { v: typeof VERSION } & (
  | { type: 'hello' }
  | ({ type: 'invite'; call: string; seq: number; epoch: number } & Invite)
  | { type: Command; call: string; seq: number; epoch?: number; reason?: string }
  | { type: 'publish' | 'subscribe'; call: string; seq: number; sdp: string }
)

export interface Seat {
  person: string
  status: SeatStatus
  since: string
  reason?: string
}

/** A call as this device is shown it. Complete: nothing depends on history. */
export interface CallState {
  caller: string
  phase: Phase
  /** Where this device stands. */
  self: SeatStatus
  /** Whether this device is heard by the others, and hears them, now. */
  sends: boolean
  hears: boolean
  created: string
  answered?: string
  ended?: string
  /** Why it ended. */
  reason?: string
  /** Server time of this message, to show durations by. */
  now: string
  /** Another value than before: the hub was started again. */
  boot: string
  seats: Seat[]
  callees: string[]
  task?: string
  mode: Mode
  media: Media
  priority: Priority
  /** What its members are told before they speak: it is recorded, or may be. */
  recording?: 'always' | 'on-demand'
}

/** One track and the media section of the subscribing connection it plays in. */
export interface Playing {
  mid: string
  track: string
  person: string
  kind: 'audio' | 'video'
}

export interface Tracks {
  /** Grows with every change: ignore a message with a lower one. */
  version: number
  playing: Playing[] | null
  /** Media sections to add for tracks that have no place yet. */
  missingAudio: number
  missingVideo: number
}

/** What happened, as it is stored on the task. */
export interface CallEvent {
  call: string
  number: number
  at: string
  kind: string
  person?: string
  by?: string
  reason?: string
}

export type ErrorCode =
  | 'message' | 'busy' | 'forbidden' | 'over' | 'not-invited' | 'offer'
  | 'elsewhere' | 'stale' | 'state' | 'internal'

/** A message from the hub; re is the seq of the request it answers. */
export type Reply = { v: number; call: string; re?: number } & (
  | { type: 'state'; state: CallState; event?: CallEvent }
  | { type: 'answer'; of: 'publish' | 'subscribe'; sdp: string; tracks?: Tracks }
  | { type: 'tracks'; tracks: Tracks }
  | { type: 'merged'; into: string }
  | { type: 'error'; code: ErrorCode; message: string; retry?: boolean }
)
