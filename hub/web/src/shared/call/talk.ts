// Push-to-talk as pages see it: the groups of this person, the one that is
// chosen, who speaks there, and the button. A face gives the transport.
import { computed, readonly, ref, shallowRef } from 'vue'
import { nextNumber } from './session'
import { TalkMedia } from './talkmedia'
import { EMERGENCY, NORMAL, URGENT, type TalkGroup, type TalkReply, type TalkState } from './talkprotocol'

/** Where the button stands. */
export type Button = 'off' | 'ready' | 'asked' | 'waits' | 'speaks' | 'refused'

export interface TalkHooks {
  send(message: object): void
  /** Whether this person's own call for help stands: then nothing goes before it. */
  helpless?(): boolean
  onGranted?(): void
  onDenied?(why: string): void
  onSpeaker?(person: string): void
}

export type Talk = ReturnType<typeof makeTalk>

const answerWithin = 10_000 // ms
const heardAfter = 800 // ms: what the browser still holds back when the hub has sent all

interface Waiting { resolve(sdp: string): void; reject(e: Error): void }

export function makeTalk(hooks: TalkHooks) {
  const groups = shallowRef<TalkGroup[]>([])
  const chosen = ref('')
  const state = shallowRef<TalkState | null>(null)
  const playing = shallowRef<{ burst: number; person: string; behindMs: number } | null>(null)
  const missed = ref<Record<string, number>>({}) // by group: bursts kept for this person elsewhere
  const mediaUp = ref(false)
  const micDenied = ref(false)
  const pressed = ref(false)
  const refusal = ref('')
  const waiting = new Map<number, Waiting>()
  let media: TalkMedia | null = null
  let pressing = 0 // seq of the request under way
  let boot = ''

  const button = computed<Button>(() => {
    if (!chosen.value || !state.value) return 'off'
    if (refusal.value) return 'refused'
    if (!pressed.value) return 'ready'
    if (state.value.speaks) return 'speaks'
    return state.value.waits ? 'waits' : 'asked'
  })

  function say(type: string, with_: object = {}): number {
    const seq = nextNumber()
    hooks.send({ v: 1, type: `talk.${type}`, group: chosen.value, seq, ...with_ })
    return seq
  }

  function offer(kind: 'publish' | 'subscribe', sdp: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const seq = say(kind, { sdp })
      const late = setTimeout(() => { waiting.delete(seq); reject(new Error('no answer')) }, answerWithin)
      waiting.set(seq, {
        resolve: (answer) => { clearTimeout(late); resolve(answer) },
        reject: (e) => { clearTimeout(late); reject(e) },
      })
    })
  }

  async function choose(id: string): Promise<void> {
    if (id === chosen.value) return
    leave()
    if (!id) return
    chosen.value = id
    boot = ''
    media = new TalkMedia(offer, (up) => { mediaUp.value = up })
    const mine = media
    micDenied.value = !(await mine.open())
    if (media === mine) say('join')
  }

  function leave(): void {
    if (!chosen.value) return
    release()
    say('leave')
    media?.close()
    media = null
    chosen.value = ''
    state.value = null
    playing.value = null
    mediaUp.value = false
  }

  function press(): void {
    if (!chosen.value || !state.value || pressed.value) return
    pressed.value = true
    refusal.value = ''
    media?.gate(true) // at once: what is said before the grant is kept
    const priority = hooks.helpless?.() ? EMERGENCY : state.value.may >= URGENT ? URGENT : NORMAL
    pressing = say('press', { priority })
  }

  function release(): void {
    refusal.value = ''
    if (!pressed.value) return
    pressed.value = false
    media?.gate(false)
    say('release')
  }

  /** Somebody took the floor, or it was refused: the button must be pressed anew. */
  function deny(why: string): void {
    media?.gate(false)
    if (pressed.value) say('release')
    pressed.value = false
    refusal.value = why
    setTimeout(() => { if (refusal.value === why) refusal.value = '' }, 3_000)
    hooks.onDenied?.(why)
  }

  function follow(next: TalkState): void {
    const before = state.value
    state.value = next
    missed.value = { ...missed.value, [chosen.value]: 0 }
    if (next.speaks && !before?.speaks) hooks.onGranted?.()
    if (before?.speaks && !next.speaks && pressed.value) deny(next.ended ?? 'let-go')
    if (next.speaker && next.speaker.burst !== before?.speaker?.burst && !next.speaks) hooks.onSpeaker?.(next.speaker.person)
    if (next.boot !== boot) {
      boot = next.boot
      media?.start()
    }
  }

  function failed(re: number, code: string): void {
    waiting.get(re)?.reject(new Error(code))
    waiting.delete(re)
    if (re === pressing) deny(code)
    if (code === 'not-present' && chosen.value) say('join')
    if (code === 'forbidden' && re !== pressing) leave()
  }

  function receive(r: TalkReply): void {
    if (r.type === 'talk.groups') { groups.value = r.groups ?? []; return }
    if (r.type === 'talk.unheard') {
      if (r.group && r.group !== chosen.value) missed.value = { ...missed.value, [r.group]: r.unheard }
      return
    }
    if (r.group !== chosen.value) return
    switch (r.type) {
      case 'talk.state': return follow(r.state)
      case 'talk.answer':
        waiting.get(r.re ?? 0)?.resolve(r.sdp)
        waiting.delete(r.re ?? 0)
        return
      case 'talk.playing':
        playing.value = { burst: r.burst, person: r.person, behindMs: r.behindMs ?? 0 }
        return
      case 'talk.played':
        setTimeout(() => {
          if (playing.value?.burst === r.burst) playing.value = null
          if (media?.hears && r.group === chosen.value) say('heard', { burst: r.burst })
        }, heardAfter)
        return
      case 'talk.error': return failed(r.re ?? 0, r.code)
    }
  }

  return {
    groups: readonly(groups) as Readonly<typeof groups>, chosen: readonly(chosen), state: readonly(state) as Readonly<typeof state>,
    playing: readonly(playing) as Readonly<typeof playing>, missed: readonly(missed), mediaUp: readonly(mediaUp), micDenied: readonly(micDenied),
    pressed: readonly(pressed), refusal: readonly(refusal), button,
    receive, choose, leave, press, release,
    skip: () => void say('skip'),
    revoke: () => void say('revoke'),
    refresh: () => hooks.send({ v: 1, type: 'talk.groups' }),
    connected: () => {
      hooks.send({ v: 1, type: 'talk.groups' })
      if (chosen.value) say('join')
    },
    disconnected: () => {
      pressed.value = false
      media?.gate(false)
    },
    stats: () => media?.stats() ?? Promise.resolve(null),
  }
}
