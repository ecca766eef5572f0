// Sound and vibration of the handheld. Browsers allow sound only after a tap.
let context: AudioContext | undefined
let ringing: ReturnType<typeof setInterval> | null = null

const patterns = {
  task: { vibrate: [200, 100, 200, 100, 400], tones: [784, 988, 1175] },
  call: { vibrate: [600, 300, 600], tones: [880, 660, 880, 660] },
  sos: { vibrate: [1000], tones: [660] },
} as const

/** unlock prepares the sound; call it from a tap. */
export function unlock(): void {
  context ??= new AudioContext()
  void context.resume()
}

export function alert(kind: keyof typeof patterns): void {
  const p = patterns[kind]
  navigator.vibrate?.([...p.vibrate])
  if (context?.state !== 'running') return
  p.tones.forEach((hz, i) => beep(context as AudioContext, hz, i * 0.22))
}

function beep(ctx: AudioContext, hz: number, after: number): void {
  const at = ctx.currentTime + after
  const oscillator = ctx.createOscillator()
  const gain = ctx.createGain()
  oscillator.type = 'square'
  oscillator.frequency.value = hz
  gain.gain.setValueAtTime(0.12, at)
  gain.gain.exponentialRampToValueAtTime(0.001, at + 0.2)
  oscillator.connect(gain).connect(ctx.destination)
  oscillator.start(at)
  oscillator.stop(at + 0.21)
}

/** buzz is felt through a glove, and not heard. */
export const buzz = (pattern: number[]): void => { navigator.vibrate?.(pattern) }

/** ring repeats until silence is called. */
export function ring(): void {
  silence()
  alert('call')
  ringing = setInterval(() => alert('call'), 2_000)
}

export function silence(): void {
  if (ringing !== null) clearInterval(ringing)
  ringing = null
  navigator.vibrate?.(0)
}
