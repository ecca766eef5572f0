// Why a reading gave no values, in words.

type Say = (key: string, args?: Record<string, unknown>) => string

const known = ['line-down', 'timeout', 'damaged', 'unfit']

/** failureWord is the failure in two or three words; a gateway's own word stays as it is. */
export function failureWord(t: Say, code: string): string {
  if (code.startsWith('exception-')) return t('failure.exception', { code: code.slice('exception-'.length) })
  return known.includes(code) ? t(`failure.${code}`) : code
}

/** failureWhy says what that means and where to look. */
export function failureWhy(t: Say, code: string): string {
  if (code.startsWith('exception-')) return t('failure.exceptionWhy')
  return known.includes(code) ? t(`failure.${code}Why`) : t('failure.otherWhy', { code })
}
