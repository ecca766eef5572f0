// The pictures of the documentation: both faces with the demo street alive.
import { ask, centre, eventually, field, goOnDuty, play, say, signIn, task } from './stage.mjs'

const chosen = ['methane-high', 'smoke', 'water-on-the-road', 'manhole-tilted', 'cable-current', 'heat', 'dust-high', 'noise-at-night']

await play(async () => {
  const desk = await centre()
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  await eventually('a street at work', async () => (await ask(desk, 'GET', '/api/v1/cases?open=true')).length >= 6, 240_000)
  const open = await eventually('a hazard that waits for somebody', async () => {
    const cases = await ask(desk, 'GET', '/api/v1/cases?open=true')
    const hazards = await ask(desk, 'GET', '/api/v1/hazards?open=true')
    const waiting = hazards.map((h) => ({ h, c: cases.find((c) => c.hazard === h.id && !c.assignee) })).filter((x) => x.c)
    waiting.sort((a, b) => chosen.indexOf(a.h.rule) - chosen.indexOf(b.h.rule))
    return waiting[0]?.c
  }, 240_000)
  const [lon, lat] = [open.place.lon, open.place.lat]
  const phone = await field({ latitude: lat + 0.0016, longitude: lon - 0.0012, accuracy: 6 }, { deviceScaleFactor: 2 })
  await signIn(phone, task.person)
  await goOnDuty(phone, { latitude: lat + 0.0016, longitude: lon - 0.0012, accuracy: 6 })

  await desk.goto(`${task.url}/#/map/case/${open.id}`)
  await desk.reload()
  const focus = desk.locator('aside.focus')
  await focus.getByText('最近的三人').waitFor()
  await focus.getByRole('button', { name: '派遣' }).nth(2).waitFor().catch(() => say('fewer than three candidates'))
  const news = desk.getByRole('button', { name: '知道了' })
  if (await news.isVisible()) await news.click()
  await desk.waitForTimeout(12_000) // trails of those who walk
  await desk.screenshot({ path: `${task.shots}/docs-centre.png` })

  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'patrol', severity: 'major', title: '井盖移位，有绊倒危险', place: { lon, lat } })
  const now = await ask(desk, 'GET', `/api/v1/cases/${made.id}`)
  await ask(desk, 'POST', `/api/v1/cases/${made.id}/commands`, { id: `e2e-d-${Date.now()}`, type: 'dispatched', assignee: task.person, rev: now.rev })
  await phone.getByRole('heading', { name: '井盖移位' }).waitFor()
  await phone.locator('canvas').waitFor()
  await phone.waitForTimeout(6_000)
  await phone.screenshot({ path: `${task.shots}/docs-field.png` })
  for (const room of ['任务池', '巡查', '统计', '设备', '系统']) {
    await desk.getByRole('navigation').getByRole('button', { name: room, exact: true }).click()
    await desk.waitForTimeout(2_500)
    await desk.screenshot({ path: `${task.shots}/room-${room}.png` })
  }
})
