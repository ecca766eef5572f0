import { ref } from 'vue'
import { newId } from '@/shared/ids'
import { hubNow } from '@/shared/clock'
import { useWords } from '@/shared/i18n'
import { useSession } from '@/shared/session'
import { alert } from './alert'
import { useFieldCalls } from './calls'
import { drain } from './link'
import { commit, ready, usePhone } from './phone'
import { whereNow } from './place'

// The matter of an SOS, 人员聚集安全风险: a person in danger, ten minutes to arrive.
const matter = 'SZ03'

const told = ref<'' | 'sent' | 'queued'>('')

/** useSos calls for help on both ways: an event to the broker, a case to the pool. */
export function useSos() {
  const { t, name } = useWords()
  const { me } = useSession()
  const { online } = usePhone()

  async function call(): Promise<void> {
    alert('sos')
    told.value = online.value ? 'sent' : 'queued'
    const at = Math.round(hubNow())
    useFieldCalls().invite(['centre'], 'audio', undefined, 'emergency')
    const place = await whereNow()
    const where = place ? { lon: place.lon, lat: place.lat } : {}
    const { uplink } = await ready()
    const who = name(me.value?.staff?.label)
    await Promise.all([
      uplink.add('event', { at, type: 'sos', text: who, ...where }).then(drain),
      commit({ kind: 'report', body: { id: newId(at), matter, source: 'sos', severity: 'critical', title: `${t('field.sosTitle')} ${who}`.trim(), place: place ? { lon: place.lon, lat: place.lat } : { lon: 0, lat: 0 }, at } }),
    ])
    setTimeout(() => { told.value = '' }, 2_500) // the call to the centre is under it
  }
  return { told, call }
}
