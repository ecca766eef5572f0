// Which rooms somebody may enter: who looks after devices sees nothing of people or cases.
import { computed } from 'vue'
import { useSession } from '@/shared/session'
import { rooms, type Room } from './selection'

const desk = ['viewer', 'call-taker', 'dispatcher', 'checker', 'head', 'auditor', 'admin']
const craft: Room[] = ['devices', 'system']

export function useSight() {
  const { may } = useSession()
  const onlyCraft = computed(() => may('installer') && !may(...desk))
  return {
    /** Devices alone: no people, no cases. */
    onlyCraft,
    rooms: computed(() => rooms.filter((r) => (onlyCraft.value ? craft.includes(r) : r !== 'audit' || may('auditor', 'admin')))),
  }
}
