import { readonly, ref, watch } from 'vue'
import { useDuty } from './duty'

export type Wake = 'on' | 'off' | 'unsupported'

const state = ref<Wake>('wakeLock' in navigator ? 'off' : 'unsupported')
let lock: WakeLockSentinel | null = null

async function hold(): Promise<void> {
  if (!('wakeLock' in navigator) || lock || document.visibilityState !== 'visible') return
  try {
    lock = await navigator.wakeLock.request('screen')
    state.value = 'on'
    lock.addEventListener('release', () => {
      lock = null
      state.value = 'off'
    })
  } catch {
    state.value = 'off' // low battery: the system decides
  }
}

/** keepAwake keeps the screen on while on duty; call it once, at the root. */
export function keepAwake(): void {
  const { onDuty } = useDuty()
  watch(onDuty, (on) => { if (on) void hold(); else void lock?.release() }, { immediate: true })
  document.addEventListener('visibilitychange', () => { if (onDuty.value) void hold() })
}

export function useWake() {
  return { state: readonly(state) }
}
