import { onScopeDispose, readonly, ref } from 'vue'
import { setHubClock } from '../clock'
import type { Case, Device, Fault, Hazard, Instruction, PersonState } from '../api/types'

/** What the hub's stream tells, one whole new object at a time. */
export interface StreamHandlers {
  /** The line is (again) open: whatever was known before may be outdated. */
  open(): void
  device(d: Device): void
  person(p: PersonState): void
  case(c: Case): void
  hazard(h: Hazard): void
  fault?(f: Fault): void
  command(c: Instruction): void
  camera?(c: { camera: string }): void
}

export type LineState = 'connecting' | 'live' | 'dead'

// The hub beats every 15 s. Two missed beats and some patience: a dead line.
const silence = 40_000

/**
 * useStream keeps the line to the hub open. EventSource reconnects by itself
 * after a clean break; a line that has only gone silent is noticed by the
 * missing beat and opened anew.
 */
export function useStream(handlers: StreamHandlers) {
  const state = ref<LineState>('connecting')
  let source: EventSource | undefined
  let heard = Date.now()

  const on = <T>(name: string, use: (body: T) => void) => {
    source?.addEventListener(name, (e) => {
      heard = Date.now()
      state.value = 'live'
      use(JSON.parse((e as MessageEvent<string>).data) as T)
    })
  }

  const open = () => {
    source?.close()
    source = new EventSource('/api/v1/stream')
    heard = Date.now()
    source.onerror = () => { state.value = 'dead' }
    on<{ now: number }>('hello', (b) => { setHubClock(b.now); handlers.open() })
    on<{ now: number }>('beat', (b) => setHubClock(b.now))
    on<Device>('device', (d) => handlers.device(d))
    on<PersonState>('person', (p) => handlers.person(p))
    on<Case>('case', (c) => handlers.case(c))
    on<Hazard>('hazard', (h) => handlers.hazard(h))
    on<Fault>('fault', (f) => handlers.fault?.(f))
    on<Instruction>('command', (c) => handlers.command(c))
    on<{ camera: string }>('camera', (c) => handlers.camera?.(c))
  }

  const watchdog = setInterval(() => {
    const closed = source?.readyState === EventSource.CLOSED
    if (Date.now() - heard > silence || closed) {
      state.value = 'dead'
      open()
    }
  }, 5_000)

  open()
  onScopeDispose(() => {
    clearInterval(watchdog)
    source?.close()
  })
  return { state: readonly(state) }
}
