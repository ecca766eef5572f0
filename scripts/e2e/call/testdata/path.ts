/** Tries each way to the hub's media, with the code of the hub's pages. */
import { makeProbe, type ProbeReply } from '../../../../hub/web/src/shared/call/probe'
import { tryWay, ways } from '../../../../hub/web/src/shared/call/paths'

const person = new URLSearchParams(location.search).get('person') ?? ''
const socket = new WebSocket(`ws://${location.host}/calls?person=${person}&device=${person}-tab`)
const probe = makeProbe((message) => socket.send(JSON.stringify(message)))
socket.onmessage = (e) => probe.receive(JSON.parse(e.data as string) as ProbeReply)
socket.onopen = async () => {
  const found: Record<string, string> = {}
  for (const way of ways) {
    const f = await tryWay(way, probe.offer)
    found[way] = f.ok ? 'ok' : (f.why ?? '')
  }
  await fetch(`/paths?person=${person}`, { method: 'POST', body: JSON.stringify(found) })
}
