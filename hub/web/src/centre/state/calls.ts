// The centre's calls: signalling over a WebSocket that reconnects.
import { makeCalls } from '@/shared/call/calls'
import type { Reply } from '@/shared/call/protocol'
import { newId } from '@/shared/ids'
import { useSession } from '@/shared/session'
import { useSound } from './sound'

// The tab's name is the same after a reconnect and a reload: the hub knows by
// it that the same device is back.
const tab = sessionStorage.getItem('gridhub.tab') ?? newId()
sessionStorage.setItem('gridhub.tab', tab)
const path = `/api/v1/calls/socket?tab=${tab}`
const pauses = [1_000, 2_000, 5_000, 10_000, 30_000]

let socket: WebSocket | null = null
let tries = 0

const calls = makeCalls({
  me: () => useSession().me.value?.person || useSession().me.value?.account || '', // at a desk without a number, the account is called
  send: (message) => { if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message)) },
  onIncoming: () => useSound().chime(true),
})

function connect(): void {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`)
  socket.onopen = () => { tries = 0; calls.connected() }
  socket.onmessage = (e) => calls.receive(JSON.parse(String(e.data)) as Reply)
  socket.onclose = () => {
    calls.disconnected()
    setTimeout(connect, pauses[Math.min(tries++, pauses.length - 1)])
  }
}

/** openCalls connects; call it once, when somebody has signed in. */
export function openCalls(): void {
  if (!socket) connect()
}

export const useCentreCalls = () => calls
