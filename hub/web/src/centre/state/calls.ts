// The centre's calls, talk groups and calls for help: messages over a WebSocket
// that reconnects.
import { makeCalls } from '@/shared/call/calls'
import { makeProbe, type ProbeReply } from '@/shared/call/probe'
import type { Reply } from '@/shared/call/protocol'
import { makeSosBook } from '@/shared/call/sos'
import { makeTalk } from '@/shared/call/talk'
import type { SosReply, TalkReply } from '@/shared/call/talkprotocol'
import { newId } from '@/shared/ids'
import { useSession } from '@/shared/session'
import { useSound } from './sound'

// The tab's name is the same after a reconnect and a reload: the hub knows by
// it that the same device is back.
const tab = sessionStorage.getItem('gridhub.tab') ?? newId()
sessionStorage.setItem('gridhub.tab', tab)
const path = `/api/v1/calls/socket?tab=${tab}`
const pauses = [1_000, 2_000, 5_000, 10_000, 30_000]

let socket: WebSocket | null = null
let tries = 0

const send = (message: object) => { if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)) }

const calls = makeCalls({
  me: () => useSession().me.value?.person || useSession().me.value?.account || '', // at a desk without a number, the account is called
  send,
  onIncoming: () => useSound().chime(true),
})
const talk = makeTalk({ send, onDenied: () => useSound().chime(false) })
const sos = makeSosBook({ send, onRaised: () => useSound().chime(true) })
const probe = makeProbe(send)
const parties = [calls, talk, sos]

function hear(m: Reply | TalkReply | SosReply | ProbeReply): void {
  if (m.type.startsWith('talk.')) talk.receive(m as TalkReply)
  else if (m.type.startsWith('sos.')) sos.receive(m as SosReply)
  else if (m.type.startsWith('path.')) probe.receive(m as ProbeReply)
  else calls.receive(m as Reply)
}

function connect(): void {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`)
  socket.onopen = () => { tries = 0; for (const p of parties) p.connected() }
  socket.onmessage = (e) => hear(JSON.parse(String(e.data)) as Reply)
  socket.onclose = () => {
    calls.disconnected()
    talk.disconnected()
    setTimeout(connect, pauses[Math.min(tries++, pauses.length - 1)])
  }
}

/** openCalls connects; call it once, when somebody has signed in. */
export function openCalls(): void {
  if (!socket) connect()
}

export const useCentreCalls = () => calls
export const useCentreTalk = () => talk
export const useCentreSos = () => sos
export const useCentreProbe = () => probe
