// What was set on devices, and how far each command has come: asked for one
// device, then followed over the stream.
import { computed, reactive, ref, shallowRef, watch, type Ref } from 'vue'
import { ApiError, api, list, take } from '@/shared/api/client'
import type { Control, Instruction } from '@/shared/api/types'
import { newId } from '@/shared/ids'

/** By id. A command's later revision is never replaced by an earlier one. */
const commands = reactive(new Map<string, Instruction>())

/** At most so many are remembered; of the ended ones the oldest go first. */
const most = 500

/** How often the stream was opened: what it told before may have been missed. */
const opened = ref(0)
export const renewCommands = (): void => { opened.value++ }

export function onCommand(c: Instruction): void {
  const known = commands.get(c.id)
  if (known && known.rev > c.rev) return
  commands.set(c.id, c)
  if (commands.size <= most) return
  for (const [id, old] of commands) {
    if (ended(old) && id !== c.id) {
      commands.delete(id)
      break
    }
  }
}

export const ended = (c: Instruction): boolean => ['executed', 'failed', 'expired', 'refused'].includes(c.state)

/** useCommands follows one device: what may be set on it, and what was. */
export function useCommands(device: Ref<string>) {
  const controls = shallowRef<Control[]>([])
  const signed = ref(true)
  const busy = ref(false)
  const problem = ref('')
  let shown = ''

  async function load(): Promise<void> {
    const path = { device: device.value }
    if (path.device !== shown) controls.value = []
    shown = path.device
    problem.value = ''
    try {
      const c = await take(api.GET('/api/v1/devices/{device}/controls', { params: { path } }))
      if (path.device !== device.value) return // another one was chosen meanwhile
      controls.value = c.controls
      signed.value = c.signed
      for (const i of await list(api.GET('/api/v1/devices/{device}/commands', { params: { path, query: { limit: 20 } } }))) onCommand(i)
    } catch (e) {
      if (!(e instanceof ApiError && e.status === 404)) problem.value = e instanceof ApiError ? e.detail : String(e)
    }
  }

  /** send asks for one thing. The id is made here, so that a repeat is harmless. */
  async function send(control: Control, value: number | string): Promise<void> {
    busy.value = true
    problem.value = ''
    try {
      const body = { id: newId(), control: control.name, ...(control.text ? { text: String(value) } : { value: Number(value) }) }
      onCommand(await take(api.POST('/api/v1/devices/{device}/commands', { params: { path: { device: device.value } }, body })))
    } catch (e) {
      problem.value = e instanceof ApiError ? [e.detail, e.code].filter(Boolean).join(' · ') : String(e)
    } finally {
      busy.value = false
    }
  }

  const newest = computed(() => [...commands.values()].filter((c) => c.device === device.value).sort((a, b) => b.number - a.number))
  watch([device, opened], load, { immediate: true })
  return { controls, signed, busy, problem, newest, send, load }
}
