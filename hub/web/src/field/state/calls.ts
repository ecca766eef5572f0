// The field's calls, talk groups and calls for help: the same messages over
// MQTT, up/call and down/call.
import { shallowRef, watch } from 'vue'
import { makeCalls } from '@/shared/call/calls'
import { makeProbe, type ProbeReply } from '@/shared/call/probe'
import type { Reply } from '@/shared/call/protocol'
import { makeSosBook } from '@/shared/call/sos'
import { makeTalk } from '@/shared/call/talk'
import type { SosReply, TalkReply } from '@/shared/call/talkprotocol'
import { useSession } from '@/shared/session'
import { alert, buzz, ring, silence } from './alert'
import { useLink } from './link'

export interface Past { id: string; who: string; to: string[]; at: number; answered: boolean; reason: string }

const most = 20
const past = shallowRef<Past[]>([])
let wired = false

const me = () => useSession().me.value?.person ?? ''
const send = (message: object) => void useLink().publish('call', JSON.stringify(message)).catch(() => undefined) // what matters is repeated

const calls = makeCalls({
  me, send,
  onIncoming: ring,
  onOver: (v) => {
    silence()
    const answered = v.reason !== 'timed-out' && v.reason !== 'missed'
    past.value = [{ id: v.id, who: v.peers.join('、'), to: v.peers, at: Date.now(), answered, reason: answered ? '' : v.reason }, ...past.value].slice(0, most)
  },
})

const sos = makeSosBook({
  send,
  onRaised: (s) => {
    if (s.person !== me()) alert('call')
    void talk.choose(s.group) // who calls for help and who is called to it hear each other at once
  },
  onEnded: (s) => { if (talk.chosen.value === s.group) talk.leave() },
})
const talk = makeTalk({
  send,
  helpless: () => sos.active.value.some((s) => s.person === me()),
  onGranted: () => buzz([80]),
  onDenied: () => buzz([80, 60, 80, 60, 80]),
})
const probe = makeProbe(send)
const parties = [calls, sos, talk]

function hear(m: Reply | TalkReply | SosReply | ProbeReply): void {
  if (m.type.startsWith('talk.')) talk.receive(m as TalkReply)
  else if (m.type.startsWith('sos.')) sos.receive(m as SosReply)
  else if (m.type.startsWith('path.')) probe.receive(m as ProbeReply)
  else calls.receive(m as Reply)
}

export function useFieldCalls() {
  if (!wired) {
    wired = true
    const link = useLink()
    link.on('call', (body) => hear(body as unknown as Reply))
    link.onUp(() => { for (const p of parties) p.connected() })
    watch(link.state, (s) => { if (s !== 'up') { calls.disconnected(); talk.disconnected() } })
  }
  return { ...calls, past, answer: (id: string) => { silence(); calls.accept(id) }, refuse: (id: string) => { silence(); calls.decline(id) } }
}

export const useFieldTalk = () => talk
export const useFieldSos = () => sos
export const useFieldProbe = () => probe
