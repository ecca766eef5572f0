// Both faces and all rooms of the centre, in their two looks, judged by axe-core.
import { ask, centre, eventually, field, goOnDuty, origin, play, signIn, task } from './stage.mjs'
import { judge } from './judge.mjs'

const still = { reducedMotion: 'reduce' } // a colour that fades over has the contrast of neither look
const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }

await play(async () => {
  const desk = await centre({ width: 1366, height: 768 }, still)
  await judge(desk, 'sign in')
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  await judge(desk, 'the street at a glance')

  const phone = await field(home, still)
  await judge(phone, 'field: sign in')
  await signIn(phone, task.person)
  await phone.getByRole('button', { name: '现在上岗' }).waitFor()
  await judge(phone, 'field: off duty')
  await goOnDuty(phone, home)
  await eventually('the worker is near', async () => (await ask(desk, 'GET', '/api/v1/people')).find((p) => p.id === task.person).live.position)

  await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'desk', severity: 'major', title: '井盖移位', place: { lon: 120.1603, lat: 30.2755 } })
  await desk.getByRole('tabpanel').getByRole('button').filter({ hasText: '井盖移位' }).click()
  const focus = desk.locator('aside.focus')
  const send = focus.getByRole('button', { name: '派遣' }).first()
  await send.waitFor()
  await judge(desk, 'map and a case')
  await send.click()

  await phone.getByRole('heading', { name: '井盖移位' }).waitFor()
  await judge(phone, 'field: a task')
  for (const page of ['巡查', '通话', '我']) {
    await phone.getByRole('button', { name: page, exact: true }).click()
    await phone.getByRole('button', { name: page, exact: true }).and(phone.locator('[aria-current=page]')).waitFor()
    await judge(phone, `field: ${page}`)
  }
  await desk.goto(`${origin}/#/map/person/${task.person}`)
  await focus.getByText('±8 米').waitFor()
  await judge(desk, 'a person')
  for (const room of ['任务池', '巡查', '统计', '设备', '系统']) {
    await desk.getByRole('navigation').getByRole('button', { name: room, exact: true }).click()
    await desk.locator('.room').waitFor()
    await desk.getByText('正在读取…').waitFor({ state: 'hidden' })
    await judge(desk, room)
  }
})
