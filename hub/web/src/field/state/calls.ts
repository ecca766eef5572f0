// The field's calls: the same messages over MQTT, up/call and down/call.
import { shallowRef, watch } from 'vue'
import { makeCalls } from '@/shared/call/calls'
import type { Reply } from '@/shared/call/protocol'
import { useSession } from '@/shared/session'
import { ring, silence } from './alert'
import { useLink } from './link'

export interface Past { id: string; who: string; at: number; answered: boolean; reason: string }

const most = 20
const past = shallowRef<Past[]>([])
let wired = false

const calls = makeCalls({
  me: () => useSession().me.value?.person ?? '',
  send: (message) => void useLink().publish('call', JSON.stringify(message)).catch(() => undefined), // the board repeats what matters
  onIncoming: ring,
  onOver: (v) => {
    silence()
    const answered = v.reason !== 'timed-out' && v.reason !== 'missed'
    past.value = [{ id: v.id, who: v.peers.join('、'), at: Date.now(), answered, reason: answered ? '' : v.reason }, ...past.value].slice(0, most)
  },
})

export function useFieldCalls() {
  if (!wired) {
    wired = true
    const link = useLink()
    link.on('call', (body) => calls.receive(body as unknown as Reply))
    link.onUp(() => calls.connected())
    watch(link.state, (s) => { if (s !== 'up') calls.disconnected() })
  }
  return { ...calls, past, answer: (id: string) => { silence(); calls.accept(id) }, refuse: (id: string) => { silence(); calls.decline(id) } }
}
