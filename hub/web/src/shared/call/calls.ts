// Calls as pages see them: the switchboard's sessions as reactive views. A face
// gives the transport: the centre a WebSocket, the field MQTT.
import { readonly, ref, shallowRef } from 'vue'
import type { CallState, Media, Priority, Reply, Request } from './protocol'
import type { CallSession } from './session'
import { Switchboard } from './switchboard'

export type CallPhase = 'outgoing' | 'incoming' | 'live' | 'resuming' | 'ended'

/** One call as a page shows it. */
export interface CallView {
  id: string
  peers: string[] // PersonIDs of the others
  task?: string | undefined
  media: Media
  phase: CallPhase
  since: number // ms: when it was answered, else when it began
  reason: string // why it ended
  local: MediaStream | null
  remotes: { person: string; stream: MediaStream }[]
  muted: boolean
  camera: boolean
  recording?: CallState['recording'] | undefined
}

const lingers = 6_000 // ms for which an ended call still says why

function phaseOf(s: CallState): CallPhase {
  if (s.phase === 'ended' || !['invited', 'ringing', 'joined', 'resuming'].includes(s.self)) return 'ended'
  if (s.self === 'resuming') return 'resuming'
  if (s.self === 'invited' || s.self === 'ringing') return 'incoming'
  return s.phase === 'live' ? 'live' : 'outgoing'
}

/** why names the end of a call: the reason of the one seat that matters, or the call's. */
function why(s: CallState): string {
  const other = s.seats.find((seat) => ['busy', 'declined', 'unreachable', 'timed-out', 'lost'].includes(seat.status))
  return s.self === 'elsewhere' ? 'elsewhere' : (other?.status ?? s.reason ?? 'ended')
}

export interface CallHooks {
  /** me is the person of this page: not one's own peer. */
  me(): string
  send(message: Request): void
  onIncoming?(view: CallView): void
  onOver?(view: CallView): void
}

export type Calls = ReturnType<typeof makeCalls>

export function makeCalls(hooks: CallHooks) {
  const views = shallowRef<CallView[]>([])
  const available = ref(false)
  const problem = ref('')
  const sessions = new Map<string, CallSession>()

  // A new object each time: whoever computes from a view sees that it changed.
  const change = (id: string, part: Partial<CallView>) => {
    views.value = views.value.map((v) => (v.id === id ? { ...v, ...part } : v))
  }

  function view(session: CallSession): CallView {
    const known = views.value.find((v) => v.id === session.id)
    if (known) return known
    const fresh: CallView = { id: session.id, peers: [], media: 'audio', phase: 'outgoing', since: Date.now(), reason: '', local: null, remotes: [], muted: false, camera: true }
    sessions.set(session.id, session)
    views.value = [...views.value, fresh]
    return fresh
  }

  function show(s: CallState, session: CallSession): void {
    view(session)
    const all = [s.caller, ...s.callees].filter((p, i, list) => p !== hooks.me() && list.indexOf(p) === i)
    // the hub's clock may differ from ours: count from its own distance
    const since = Date.now() - (Date.parse(s.now) - Date.parse(s.answered ?? s.created))
    change(session.id, { peers: all, task: s.task, media: s.media, phase: phaseOf(s), since, reason: why(s), recording: s.recording })
  }

  function over(session: CallSession): void {
    view(session)
    change(session.id, { phase: 'ended', local: null, remotes: [] })
    hooks.onOver?.(view(session))
    sessions.delete(session.id)
    setTimeout(() => { views.value = views.value.filter((x) => x.id !== session.id) }, lingers)
  }

  const board = new Switchboard({
    send: hooks.send,
    onIncoming: (session) => hooks.onIncoming?.(view(session)),
    onState: show,
    onRemotes: (remotes, session) => change(session.id, { remotes: [...remotes] }),
    onLocal: (local, session) => change(session.id, { local }),
    onError: (e) => {
      problem.value = e.code === 'media' ? 'media' : e.message
      setTimeout(() => { problem.value = '' }, lingers)
    },
    onOver: over,
  })

  function invite(callees: string[], media: Media, task?: string, priority: Priority = 'normal'): void {
    const session = board.call({ callees, media, priority, ...(task ? { task } : {}) })
    view(session)
    change(session.id, { peers: callees, media, task })
  }

  return {
    calls: readonly(views) as Readonly<typeof views>, available, problem: readonly(problem),
    receive: (reply: Reply) => board.receive(reply),
    connected: () => { available.value = true; board.connected() },
    disconnected: () => { available.value = false },
    invite,
    accept: (id: string) => void sessions.get(id)?.accept(),
    decline: (id: string) => sessions.get(id)?.decline('declined'),
    hangup: (id: string) => sessions.get(id)?.hangup(),
    mute: (id: string, on: boolean) => { sessions.get(id)?.setMicrophone(!on); change(id, { muted: on }) },
    setCamera: (id: string, on: boolean) => { sessions.get(id)?.setCamera(on); change(id, { camera: on }) },
  }
}
