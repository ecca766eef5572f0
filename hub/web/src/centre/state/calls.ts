import { readonly, ref } from 'vue'
import type { Calls, CallView } from '@/shared/call/calls'

const calls = ref<CallView[]>([])
const available = ref(false)
const problem = ref('')

export function useCentreCalls(): Calls {
  const none = async () => undefined
  return { calls: readonly(calls) as Calls['calls'], available: readonly(available), problem: readonly(problem), invite: none, accept: none, decline: () => undefined, hangup: () => undefined, mute: () => undefined, setCamera: none }
}
