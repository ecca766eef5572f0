// The line to the hub's broker: MQTT over WebSocket, in one tab only.
import mqtt, { type MqttClient } from 'mqtt'
import { readonly, ref } from 'vue'
import { ApiError, api, take } from '@/shared/api/client'
import type { Terminal } from '@/shared/api/types'
import { useSession } from '@/shared/session'
import { flush, keep, ready, recall } from './phone'

export type LinkState = 'off' | 'connecting' | 'up' | 'down' | 'elsewhere' | 'no-terminal'
type Hear = (body: Record<string, unknown>) => void

const state = ref<LinkState>('off')
const terminal = ref('')
const hearers = new Map<string, Set<Hear>>()
const risers = new Set<() => void>()
let client: MqttClient | null = null

interface Kept extends Terminal { person: string }

/** bind gets this browser its identity; an identity that is known keeps its id. */
async function bind(anew: boolean): Promise<Kept> {
  const person = useSession().me.value?.person ?? ''
  const known = await recall<Kept>('terminal')
  if (known && known.person === person && !anew) return known
  const label = navigator.userAgent.slice(0, 80)
  const body = known?.person === person ? { known: known.id, label } : { label }
  return keep('terminal', { ...(await take(api.POST('/api/v1/terminals', { body }))), person })
}

async function connect(anew = false): Promise<void> {
  state.value = 'connecting'
  let t: Kept
  try {
    t = await bind(anew)
  } catch (e) {
    state.value = e instanceof ApiError && e.status === 422 ? 'no-terminal' : 'down'
    if (state.value === 'down') setTimeout(() => void connect(), 10_000)
    return
  }
  terminal.value = t.id
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  client = mqtt.connect(`${scheme}://${location.host}${t.path}`, {
    clientId: t.id, username: t.id, password: t.secret, protocolVersion: 4, clean: false, keepalive: 30, reconnectPeriod: 4_000, connectTimeout: 10_000,
    resubscribe: false, queueQoSZero: false, timerVariant: 'native',
    will: { topic: `gh/1/${t.id}/up/status`, payload: JSON.stringify({ v: 1, online: false, cause: 'lost' }) as unknown as Buffer, qos: 1, retain: true },
  })
  client.on('connect', () => up(t.id))
  client.on('close', () => { if (state.value === 'up') state.value = 'down' })
  client.on('error', (e) => { void failed(e as Error & { code?: number }) })
  client.on('message', (topic, payload) => hear(topic, payload))
}

function up(id: string): void {
  state.value = 'up'
  client?.subscribe(`gh/1/${id}/down/#`, { qos: 1 })
  client?.publish(`gh/1/${id}/up/status`, JSON.stringify({ v: 1, online: true, now: Date.now() }), { qos: 1, retain: true })
  for (const r of risers) r()
  void drain()
  void flush()
}

/** A refused identity (4, 5; 134, 135 in version 5) is bound anew, once per connection. */
async function failed(e: Error & { code?: number }): Promise<void> {
  state.value = 'down'
  if (![4, 5, 134, 135].includes(e.code ?? 0)) return
  await client?.endAsync(true)
  setTimeout(() => void connect(true), 5_000)
}

function hear(topic: string, payload: Uint8Array): void {
  const kind = topic.split('/')[4] ?? ''
  try {
    const body = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
    for (const use of hearers.get(kind) ?? []) use(body)
  } catch {
    console.warn('a message that is no JSON', topic)
  }
}

function publish(kind: string, payload: string): Promise<void> {
  if (!client?.connected) return Promise.reject(new Error('no link'))
  return client.publishAsync(`gh/1/${terminal.value}/up/${kind}`, payload, { qos: 1 }).then(() => undefined)
}

/** drain sends the positions and events that wait. */
export async function drain(): Promise<void> {
  const { uplink } = await ready()
  if (client?.connected) await uplink.drain(publish)
}

/** openLink holds the line as long as this tab lives; other tabs wait for their turn. */
export function openLink(): void {
  state.value = 'elsewhere'
  const hold = () => new Promise<void>(() => { void connect() })
  if (navigator.locks) void navigator.locks.request('gridhub-link', hold)
  else void connect()
}

export function useLink() {
  return {
    state: readonly(state), terminal: readonly(terminal), publish,
    on: (kind: string, use: Hear) => { hearers.set(kind, (hearers.get(kind) ?? new Set()).add(use)) },
    onUp: (use: () => void) => { risers.add(use) },
    close: async () => { await client?.endAsync(); client = null; state.value = 'off' },
  }
}
