import { expect, it } from 'vitest'
import { hearHubClock, hubNow, setHubClock } from './clock'

const off = () => Math.abs(hubNow() - Date.now())

it('learns from a date that is clearly off, and leaves a good clock alone', () => {
  setHubClock(Date.now())
  hearHubClock(new Date(Date.now() - 2_000).toUTCString())
  expect(off()).toBeLessThan(100)
  hearHubClock(new Date(Date.now() + 90_000).toUTCString())
  expect(off()).toBeGreaterThan(88_000)
  hearHubClock('no date')
  hearHubClock(null)
  expect(off()).toBeGreaterThan(88_000)
})
