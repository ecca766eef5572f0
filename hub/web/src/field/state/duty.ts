import { readonly, ref } from 'vue'
import { useSession } from '@/shared/session'
import { commit, keep, recall, usePhone } from './phone'

const onDuty = ref(false)

/**
 * learnDuty takes what the hub says at the start; what was chosen here and
 * waits to be sent is newer, and offline there is only what was known last.
 */
export async function learnDuty(reachable: boolean): Promise<void> {
  const told = useSession().me.value?.on_duty
  const waits = usePhone().waiting.value.some((e) => e.kind === 'duty')
  if (reachable && told !== undefined && !waits) await keep('duty', told)
  onDuty.value = (await recall<boolean>('duty')) ?? false
}

async function setDuty(on: boolean): Promise<void> {
  await commit({ kind: 'duty', on, at: Date.now() })
  await keep('duty', on)
  onDuty.value = on
}

export function useDuty() {
  return { onDuty: readonly(onDuty), setDuty }
}
