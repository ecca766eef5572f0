import { useWords } from '@/shared/i18n'

/**
 * useCallers says who calls. Members of staff go by their number, for a phone
 * knows no names; who calls under the name of an account sits at the desk.
 */
export function useCallers(): (id: string) => string {
  const { t } = useWords()
  return (id) => (/\d/.test(id) ? t('call.staff', { id }) : t('call.centre'))
}
