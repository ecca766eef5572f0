// The calls for help that stand, as pages see them. Only the centre ends one.
import { readonly, ref, shallowRef } from 'vue'
import { nextNumber } from './session'
import type { Sos, SosReply } from './talkprotocol'

export interface SosHooks {
  send(message: object): void
  onRaised?(s: Sos): void
  onEnded?(s: Sos): void
}

export type SosBook = ReturnType<typeof makeSosBook>

export function makeSosBook(hooks: SosHooks) {
  const active = shallowRef<Sos[]>([])
  const problem = ref('')

  function receive(r: SosReply): void {
    if (r.type === 'sos.error') { problem.value = r.message; return }
    const known = new Set(active.value.map((s) => s.case))
    active.value = r.active
    problem.value = ''
    for (const s of r.active) if (!known.has(s.case)) hooks.onRaised?.(s)
    if (r.ended) hooks.onEnded?.(r.ended)
  }

  return {
    active: readonly(active) as Readonly<typeof active>, problem: readonly(problem),
    receive,
    connected: () => hooks.send({ v: 1, type: 'sos.list', seq: nextNumber() }),
    end: (id: string, reason: string) => hooks.send({ v: 1, type: 'sos.end', seq: nextNumber(), case: id, reason }),
  }
}
