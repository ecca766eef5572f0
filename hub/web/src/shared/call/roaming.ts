// A phone that changes networks keeps its connections and hears nothing: the
// old address is gone. The browser notices at last; these are the earlier signs.
const patience = 1_000 // ms for which a connection may be disconnected: a short fade comes back by itself

/** onMoved calls moved when a connection has most likely lost its network. The returned function ends it. */
export function onMoved(connections: () => (RTCPeerConnection | null)[], moved: () => void): () => void {
  let waits: ReturnType<typeof setTimeout> | undefined
  const lost = () => connections().some((pc) => pc?.connectionState === 'disconnected' || pc?.connectionState === 'failed')
  const look = () => {
    clearTimeout(waits)
    if (lost()) waits = setTimeout(() => { if (lost()) moved() }, patience)
  }
  // Another network, or one at all again: the old addresses are worth nothing.
  const changed = () => { if (navigator.onLine) moved() }
  const pcs = connections()
  for (const pc of pcs) pc?.addEventListener('connectionstatechange', look)
  addEventListener('online', changed)
  return () => {
    clearTimeout(waits)
    for (const pc of pcs) pc?.removeEventListener('connectionstatechange', look)
    removeEventListener('online', changed)
  }
}
