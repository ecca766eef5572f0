// Times as people read them. Pure: the words come in as a translate function.

export type Translate = (key: string, args?: Record<string, unknown>) => string

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** ago says how long since: 刚刚, 3 分钟前, 2 小时前, 4 天前. */
export function ago(t: Translate, at: number, now: number): string {
  const d = now - at
  if (d < minute) return t('time.justNow')
  if (d < hour) return t('time.minutesAgo', { n: Math.floor(d / minute) })
  if (d < day) return t('time.hoursAgo', { n: Math.floor(d / hour) })
  return t('time.daysAgo', { n: Math.floor(d / day) })
}

/** short is an age for tight places: 40″, 8′, 3 h, 2 d. */
export function short(ms: number): string {
  const d = Math.max(0, ms)
  if (d < minute) return `${Math.floor(d / 1000)}″`
  if (d < hour) return `${Math.floor(d / minute)}′`
  if (d < day) return `${Math.floor(d / hour)} h`
  return `${Math.floor(d / day)} d`
}

/** span names a duration with its two largest units: 2 小时 5 分. */
export function span(t: Translate, ms: number): string {
  const d = Math.abs(ms)
  if (d < minute) return t('time.seconds', { n: Math.floor(d / 1000) })
  if (d < hour) return t('time.minutes', { n: Math.floor(d / minute) })
  if (d < day) return join(t('time.hours', { n: Math.floor(d / hour) }), Math.floor((d % hour) / minute), (n) => t('time.minutes', { n }))
  return join(t('time.days', { n: Math.floor(d / day) }), Math.floor((d % day) / hour), (n) => t('time.hours', { n }))
}

function join(first: string, rest: number, say: (n: number) => string): string {
  return rest ? `${first} ${say(rest)}` : first
}

/** clock is HH:MM, with seconds where asked. */
export function clock(at: number, zone?: string, seconds = false): string {
  return new Intl.DateTimeFormat('zh-CN', {
    hour: '2-digit', minute: '2-digit', second: seconds ? '2-digit' : undefined, hour12: false, timeZone: zone,
  }).format(at)
}

/** moment is a date as people say it: 今天 14:05, 昨天 09:30, 11-20 14:05. */
export function moment(t: Translate, at: number, now: number, zone?: string): string {
  const time = clock(at, zone)
  const date = dayOf(at, zone)
  if (date === dayOf(now, zone)) return `${t('time.today')} ${time}`
  if (date === dayOf(now - day, zone)) return `${t('time.yesterday')} ${time}`
  return `${date.slice(5)} ${time}`
}

/** exact is the full time for tooltips and records: 2026-11-23 14:05:09. */
export function exact(at: number, zone?: string): string {
  return `${dayOf(at, zone)} ${clock(at, zone, true)}`
}

/** dayOf is the calendar day in a time zone: 2026-11-23. */
export function dayOf(at: number, zone?: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at)
}
