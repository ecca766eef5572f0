/**
 * The page of one party of a call, made of the same code as the hub's pages.
 * It calls (?calls=person) or answers, waits until it sees and hears the
 * other side, posts what it measured, and then does what the test replies.
 */
import { Switchboard } from '../../../../hub/web/src/shared/call/switchboard'
import type { CallSession } from '../../../../hub/web/src/shared/call/session'
import type { Remote } from '../../../../hub/web/src/shared/call/media'

const me = new URLSearchParams(location.search)
const person = me.get('person') ?? ''
const callee = me.get('calls')

async function post(path: string, body: unknown): Promise<string> {
  const r = await fetch(`/${path}?person=${person}`, { method: 'POST', body: JSON.stringify(body) })
  return r.text()
}

function show(remotes: Remote[]): void {
  for (const { stream } of remotes) {
    const video = document.querySelector('video') ?? document.body.appendChild(document.createElement('video'))
    video.autoplay = true
    if (video.srcObject !== stream) video.srcObject = stream
  }
}

interface Measured { framesDecoded: number; width: number; samples: number; energy: number; freezes: number }

async function measure(session: CallSession): Promise<Measured> {
  const m: Measured = { framesDecoded: 0, width: 0, samples: 0, energy: 0, freezes: 0 }
  for (const r of (await session.stats())?.subscribe.values() ?? []) {
    if (r.type !== 'inbound-rtp') continue
    m.framesDecoded += r.framesDecoded ?? 0
    m.width = Math.max(m.width, r.frameWidth ?? 0)
    m.samples += (r.totalSamplesReceived ?? 0) - (r.concealedSamples ?? 0)
    m.energy += r.totalAudioEnergy ?? 0
    m.freezes += r.freezeCount ?? 0
  }
  return m
}

/** Until more frames and sound have come than since floor. */
async function flowing(session: CallSession, floor: Measured): Promise<Measured> {
  for (;;) {
    const m = await measure(session)
    if (m.framesDecoded >= floor.framesDecoded + 20 && m.samples >= floor.samples + 24000 && m.energy > floor.energy) return m
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const nothing: Measured = { framesDecoded: 0, width: 0, samples: 0, energy: 0, freezes: 0 }
let reported = false
let local: MediaStream | null = null

/** Does what the test says until it has nothing more to say. */
async function obey(session: CallSession): Promise<void> {
  if (reported) return
  reported = true
  let todo = await post('flowing', await flowing(session, nothing))
  while (todo === 'drop' || todo === 'stay') {
    const back = new Promise<void>((resolve) => { resumed = resolve })
    if (todo === 'drop') socket.close()
    await back
    todo = await post('resumed', await flowing(session, await measure(session)))
  }
  if (todo === 'hangup') session.hangup('done')
}

let resumed: () => void = () => undefined
let called = false
let dropped = false
let socket: WebSocket

const board = new Switchboard({
  send: (message) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)) },
  onIncoming: (session) => void session.accept(),
  onState: (state, session) => {
    if (state.phase === 'live' && state.self === 'joined') {
      void obey(session)
      if (dropped) resumed()
      dropped = false
    }
  },
  onRemotes: show,
  onLocal: (stream) => { if (stream) local = stream },
  onError: (error) => void post('error', error),
  onOver: (session) => void post('over', {
    reason: session.state?.reason,
    released: local?.getTracks().every((t) => t.readyState === 'ended') ?? false,
  }),
})

function dial(): void {
  socket = new WebSocket(`ws://${location.host}/calls?person=${person}&device=${person}-tab`)
  socket.onmessage = (e) => board.receive(JSON.parse(e.data as string))
  socket.onopen = () => {
    board.connected()
    if (callee && !called) board.call({ callees: [callee], media: 'video', task: 'case-7' })
    called = true
    void post('online', {})
  }
  socket.onclose = () => { dropped = true; setTimeout(dial, 300) }
}

dial()
