import { expect, it } from 'vitest'
import { ago, dayOf, exact, moment, short, span, type Translate } from './time'

const t: Translate = (key, args) => (args ? `${key}:${args.n}` : key)
const zone = 'Asia/Shanghai'
const noon = Date.parse('2026-11-23T12:00:00+08:00')
const min = 60_000

it('says how long since', () => {
  expect(ago(t, noon - 59_000, noon)).toBe('time.justNow')
  expect(ago(t, noon - 3.9 * min, noon)).toBe('time.minutesAgo:3')
  expect(ago(t, noon - 125 * min, noon)).toBe('time.hoursAgo:2')
  expect(ago(t, noon - 49 * 60 * min, noon)).toBe('time.daysAgo:2')
})

it('abbreviates, and never below zero', () => {
  expect([short(-5), short(40_000), short(8 * min), short(90 * min), short(50 * 60 * min)]).toEqual(['0″', '40″', '8′', '1 h', '2 d'])
})

it('names the two largest units', () => {
  expect(span(t, 125 * min)).toBe('time.hours:2 time.minutes:5')
  expect(span(t, 120 * min)).toBe('time.hours:2')
  expect(span(t, -26 * 60 * min)).toBe('time.days:1 time.hours:2')
})

it('names days in the street’s time zone, not the desk’s', () => {
  expect(moment(t, Date.parse('2026-11-23T00:30:00+08:00'), noon, zone)).toBe('time.today 00:30')
  expect(moment(t, Date.parse('2026-11-22T23:59:00+08:00'), noon, zone)).toBe('time.yesterday 23:59')
  expect(moment(t, Date.parse('2026-11-20T14:05:00+08:00'), noon, zone)).toBe('11-20 14:05')
  expect(dayOf(Date.parse('2026-11-22T16:30:00Z'), zone)).toBe('2026-11-23')
  expect(exact(noon, zone)).toBe('2026-11-23 12:00:00')
})
