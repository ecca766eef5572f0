/**
 * One member of a talk group, made of the same code as the hub's pages. The
 * speaker's browser hears a file of tones that climb; everybody else says which
 * tones they hear, found in the sound itself.
 */
import { makeTalk } from '../../../../hub/web/src/shared/call/talk'
import type { TalkReply } from '../../../../hub/web/src/shared/call/talkprotocol'

const me = new URLSearchParams(location.search)
const person = me.get('person') ?? ''
const group = me.get('group') ?? ''

async function post(path: string, body: unknown): Promise<string> {
  const r = await fetch(`/${path}?person=${person}`, { method: 'POST', body: JSON.stringify(body) })
  return r.text()
}

let socket: WebSocket
const talk = makeTalk({
  send: (message) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)) },
  onDenied: (why) => void post('error', why),
})

/** The tones in the order in which they were heard: step n of the file is 400 + 100 n Hz. */
const steps: { step: number; at: number }[] = []

function listen(stream: MediaStream): void {
  const context = new AudioContext()
  void context.resume()
  const analyser = context.createAnalyser()
  analyser.fftSize = 4096
  context.createMediaStreamSource(stream).connect(analyser)
  const bins = new Float32Array(analyser.frequencyBinCount)
  setInterval(() => {
    analyser.getFloatFrequencyData(bins)
    let peak = 0
    for (let i = 1; i < bins.length; i++) if ((bins[i] ?? -200) > (bins[peak] ?? -200)) peak = i
    const hz = (peak * context.sampleRate) / analyser.fftSize
    const step = Math.round((hz - 400) / 100)
    if ((bins[peak] ?? -200) < -60 || step < 0 || step > 60 || Math.abs(hz - 400 - 100 * step) > 25) return
    if (steps[steps.length - 1]?.step !== step) steps.push({ step, at: Math.round(performance.now()) })
  }, 20)
}

const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
async function until(done: () => boolean): Promise<void> { while (!done()) await soon(20) }

async function run(): Promise<void> {
  await talk.choose(group)
  await until(() => talk.mediaUp.value)
  let todo = await post('ready', {})
  for (;;) {
    if (todo.startsWith('speak ')) { // for so many milliseconds
      talk.press()
      await until(() => talk.button.value === 'speaks')
      await post('speaking', {})
      await soon(Number(todo.slice(6)))
      talk.release()
    } else if (todo === 'listen') {
      await until(() => steps.length > 0)
      await post('hears', { at: Math.round(performance.now()), behind: talk.playing.value?.behindMs ?? 0 })
      let n = -1 // until nothing new has come for two seconds
      while (n !== steps.length || talk.state.value?.speaker) { n = steps.length; await soon(2000) }
    } else {
      return
    }
    todo = await post('report', { steps: steps.map((s) => s.step), heard: talk.state.value?.said[0]?.heard ?? [] })
  }
}

socket = new WebSocket(`ws://${location.host}/calls?person=${person}&device=${person}-tab`)
socket.onmessage = (e) => talk.receive(JSON.parse(e.data as string) as TalkReply)
socket.onopen = () => {
  talk.connected()
  // The sound is analysed where the page plays it.
  const set = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, 'srcObject')
  if (set?.set) {
    const orig = set.set
    Object.defineProperty(HTMLMediaElement.prototype, 'srcObject', {
      ...set,
      set(this: HTMLMediaElement, s: MediaStream | null) { orig.call(this, s); if (s) listen(s) },
    })
  }
  void run()
}
