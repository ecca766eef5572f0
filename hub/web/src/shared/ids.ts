/**
 * newId makes an id for something that a person did here: 26 characters,
 * time first, so that ids sort in the order of the deeds.
 */
export function newId(now = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(8))
  return now.toString(36).padStart(9, '0') + '-' + Array.from(random, (b) => b.toString(16).padStart(2, '0')).join('')
}
