// Single icons of the set have no types of their own.
declare module 'lucide/dist/esm/icons/*.mjs' {
  import type { IconNode } from 'lucide'
  const nodes: IconNode
  export default nodes
}
