import { expect, it } from 'vitest'
import { ref } from 'vue'
import type { Instruction } from '@/shared/api/types'
import { ended, onCommand, useCommands } from './commands'

const command = (rev: number, state: Instruction['state'], number = 1): Instruction => ({
  id: `c-${number}`, device: 'siren-1', to: 'gw-1', control: 'siren', value: 1, by: 'desk', state, stages: [], expires: 0, rev, number,
})

it('keeps what the stream told, whatever an older answer says', () => {
  const { newest } = useCommands(ref('siren-1'))
  onCommand(command(3, 'executed'))
  onCommand(command(1, 'created')) // the answer to the request, which was slower
  expect(newest.value.map((c) => c.state)).toEqual(['executed'])
  onCommand(command(1, 'created', 2))
  expect(newest.value.map((c) => c.number)).toEqual([2, 1])
})

it('forgets ended commands only', () => {
  const { newest } = useCommands(ref('siren-1'))
  onCommand(command(1, 'sent', 3))
  for (let n = 4; n < 700; n++) onCommand(command(4, 'failed', n))
  expect(newest.value.length).toBeLessThanOrEqual(500)
  expect(newest.value.filter((c) => !ended(c)).map((c) => c.number)).toEqual([3, 2])
})
