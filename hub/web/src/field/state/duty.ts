import { readonly, ref } from 'vue'
import { useSession } from '@/shared/session'
import { commit, keep, recall } from './phone'

const onDuty = ref(false)

/** learnDuty takes what the hub says at the start, and offline what was last chosen here. */
export async function learnDuty(reachable: boolean): Promise<void> {
  const known = useSession().me.value?.on_duty
  onDuty.value = reachable && known !== undefined ? known : ((await recall<boolean>('duty')) ?? false)
}

async function setDuty(on: boolean): Promise<void> {
  await commit({ kind: 'duty', on, at: Date.now() })
  await keep('duty', on)
  onDuty.value = on
}

export function useDuty() {
  return { onDuty: readonly(onDuty), setDuty }
}
