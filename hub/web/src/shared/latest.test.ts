import { expect, it } from 'vitest'
import { latest } from './latest'

it('asks again for whoever came while an answer was under way, once for all of them', async () => {
  const answers: ((n: number) => void)[] = []
  const ask = latest(() => new Promise<number>((answer) => { answers.push(answer) }))
  const first = ask(), second = ask(), third = ask()
  answers[0]?.(1)
  expect(await first).toBe(1)
  await Promise.resolve()
  expect(answers.length).toBe(2)
  answers[1]?.(2)
  expect(await Promise.all([second, third])).toEqual([2, 2])
  void ask()
  expect(answers.length).toBe(3)
})

it('asks again after a failure', async () => {
  let times = 0
  const ask = latest(async () => { if (times++ === 0) throw new Error('no answer'); return times })
  const [first, second] = await Promise.allSettled([ask(), ask()])
  expect([first?.status, second?.status]).toEqual(['rejected', 'fulfilled'])
})
