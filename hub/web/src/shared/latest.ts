/**
 * latest lets a question be asked once at a time. Who asks while an answer is
 * under way gets the answer to a question that was asked after that.
 */
export function latest<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  let next: Promise<T> | null = null
  const start = (): Promise<T> => {
    next = null
    running = ask().finally(() => { running = null })
    return running
  }
  return () => {
    if (!running) return start()
    next ??= running.then(start, start)
    return next
  }
}
