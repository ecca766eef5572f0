import { ref } from 'vue'
import { stored } from '@/shared/prefs'

const on = stored('sound', true)
const blocked = ref(false)
let context: AudioContext | undefined

/** chime plays two short tones, higher for what cannot wait. */
function chime(urgent: boolean): void {
  if (!on.value) return
  context ??= new AudioContext()
  void context.resume().then(() => { blocked.value = false })
  blocked.value = context.state === 'suspended'
  const tones = urgent ? [880, 1175, 880] : [587, 784]
  tones.forEach((hz, i) => tone(context as AudioContext, hz, i * 0.18))
}

function tone(ctx: AudioContext, hz: number, after: number): void {
  const start = ctx.currentTime + after
  const oscillator = ctx.createOscillator()
  const gain = ctx.createGain()
  oscillator.frequency.value = hz
  gain.gain.setValueAtTime(0, start)
  gain.gain.linearRampToValueAtTime(0.2, start + 0.02)
  gain.gain.exponentialRampToValueAtTime(0.001, start + 0.16)
  oscillator.connect(gain).connect(ctx.destination)
  oscillator.start(start)
  oscillator.stop(start + 0.17)
}

export function useSound() {
  return { on, blocked, chime }
}
