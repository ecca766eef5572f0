import { expect, it } from 'vitest'
import type { Person } from '@/shared/api/types'
import { Motion } from './motion'

const person = (at: number, lon: number, onDuty = true): Person[] =>
  [{ id: 'p', live: { id: 'p', on_duty: onDuty, position: { lon, lat: 30 }, at } } as Person]

it('walks from fix to fix, and jumps where nobody could have walked', () => {
  const m = new Motion()
  m.learn(person(1_000, 120), 0)
  expect(m.where('p', 0)).toEqual([120, 30])
  m.learn(person(3_000, 120.001), 10_000)
  expect(m.where('p', 11_000)?.[0]).toBeCloseTo(120.0005, 6)
  expect(m.moving(11_000)).toBe(true)
  expect(m.where('p', 99_000)).toEqual([120.001, 30])
  expect([...m.trails(99_000)]).toEqual([[[120, 30], [120.001, 30]]])
  m.learn(person(5_000, 120.1), 20_000)
  expect(m.where('p', 20_000)).toEqual([120.1, 30])
  expect([...m.trails(20_000)]).toEqual([])
})

it('forgets who went off duty, and ignores the same fix again', () => {
  const m = new Motion()
  m.learn(person(1_000, 120), 0)
  m.learn(person(1_000, 121), 5_000)
  expect(m.where('p', 9_000)).toEqual([120, 30])
  m.learn(person(2_000, 120, false), 10_000)
  expect(m.where('p', 10_000)).toBeUndefined()
})
