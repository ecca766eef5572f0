// Scopes as the hub writes them: street, own, department:UM, grid:G05.
import type { Translate } from '@/shared/time'
import type { useNames } from '../state/names'

export const roles = ['viewer', 'call-taker', 'dispatcher', 'handler', 'checker', 'head', 'auditor', 'admin', 'partner', 'installer'] as const
export type Role = (typeof roles)[number]

/** spell says a scope in words. */
export function spell(scope: string, t: Translate, names: ReturnType<typeof useNames>): string {
  const [kind, code] = scope.split(':')
  if (kind === 'department') return names.department(code)
  if (kind === 'grid') return names.grid(code)
  return t(`scope.${scope}`)
}
