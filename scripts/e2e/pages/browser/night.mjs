// A bad night in pictures: very many hazards stand at once, and nobody has
// taken one.
import { ask, centre, eventually, play, say, signIn, task } from './stage.mjs'

await play(async () => {
  const desk = await centre()
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  await desk.getByRole('region', { name: '街道地图' }).locator('canvas').waitFor()
  let most = 0
  await eventually('thirty hazards', async () => {
    most = Math.max(most, (await ask(desk, 'GET', '/api/v1/hazards?open=true')).filter((h) => !h.cleared).length)
    return most >= 30
  }, 240_000).catch(() => say(`no more than ${most} hazards at once`))
  await desk.waitForTimeout(4_000)
  await desk.screenshot({ path: `${task.shots}/night.png` })
  await desk.setViewportSize({ width: 1366, height: 768 })
  await desk.waitForTimeout(2_000)
  await desk.screenshot({ path: `${task.shots}/night-small.png` })
  say(`${await desk.locator('.alarm-pin').count()} rings, ${await desk.locator('.alarm-pin.loud').count()} of them pulse`)
})
