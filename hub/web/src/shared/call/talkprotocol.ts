/**
 * The messages of talk groups and calls for help: the TypeScript face of
 * streams/signaling/PROTOCOL.md, which explains them.
 */
export const NORMAL = 0
export const URGENT = 1
export const EMERGENCY = 2

export interface TalkGroup { id: string; kind: string; zh: string; en: string }

export interface TalkState {
  boot: string
  now: string
  present: string[]
  members: number
  speaker?: { person: string; burst: number; priority: number; since: string }
  queue: string[]
  /** How high this person may press. */
  may: number
  /** Whether this device has the floor. */
  speaks: boolean
  /** Its person's place in the queue, from 1. */
  waits?: number
  unheard: { burst: number; person: string; from: string }[]
  /** This person's own bursts, newest first, and who has heard them. */
  said: { burst: number; from: string; heard: string[] }[]
  /** Why this person's last burst ended. */
  ended?: string
}

export type TalkReply = { v: number; group?: string; re?: number } & (
  | { type: 'talk.groups'; groups?: TalkGroup[] }
  | { type: 'talk.state'; state: TalkState }
  | { type: 'talk.answer'; of: string; sdp: string }
  | { type: 'talk.playing'; burst: number; person: string; behindMs?: number }
  | { type: 'talk.played'; burst: number; person: string }
  | { type: 'talk.unheard'; burst: number; person: string; unheard: number }
  | { type: 'talk.error'; code: string; message: string; retry?: boolean }
)

export interface Sos {
  case: string
  person?: string
  title: string
  place: { lon: number; lat: number }
  at: number
  group: string
  pulled: { person: string; distance_m: number; eta_s: number }[]
  ended?: number
  by?: string
  reason?: string
}

export type SosReply = { v: number; re?: number } & (
  | { type: 'sos.state'; active: Sos[]; ended?: Sos }
  | { type: 'sos.error'; code: string; message: string }
)
