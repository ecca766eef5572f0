// Pictures of both faces with the demo street alive: the two of the
// documentation, and every room and page to be looked at by people.
import { ask, centre, eventually, field, goOnDuty, origin, play, say, signIn, task } from './stage.mjs'

const chosen = ['methane-high', 'water-on-the-road', 'manhole-tilted', 'smoke', 'cable-current', 'heat', 'dust-high', 'noise-at-night']
const rooms = ['任务池', '巡查', '统计', '设备', '系统']

await play(async () => {
  const desk = await centre()
  const shot = (page, name) => page.screenshot({ path: `${task.shots}/${name}.png`, timeout: 180_000 })
  await shot(desk, 'centre-sign-in')
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  await eventually('a street at work', async () => (await ask(desk, 'GET', '/api/v1/cases?open=true')).length >= 6, 240_000)
  const open = await eventually('a hazard that waits for somebody', () => waiting(desk), 240_000)
  const place = { latitude: open.place.lat + 0.0016, longitude: open.place.lon - 0.0012, accuracy: 6 }
  const phone = await field(place, { deviceScaleFactor: 2 })
  await shot(phone, 'field-sign-in')
  await signIn(phone, task.person)
  await phone.getByRole('button', { name: '现在上岗' }).waitFor()
  await shot(phone, 'field-off-duty')
  await goOnDuty(phone, place)
  await shot(phone, 'field-no-task')

  await show(desk, `case/${open.id}`)
  const focus = desk.locator('aside.focus')
  await focus.getByText('最近的三人').waitFor()
  await focus.getByRole('button', { name: '派遣' }).nth(2).waitFor().catch(() => say('fewer than three candidates'))
  await desk.waitForTimeout(12_000) // trails of those who walk
  await calm(desk)
  await shot(desk, 'docs-centre')

  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'patrol', severity: 'major', title: '井盖移位，有绊倒危险', place: open.place })
  await ask(desk, 'POST', `/api/v1/cases/${made.id}/commands`, { id: `e2e-d-${Date.now()}`, type: 'dispatched', assignee: task.person, rev: (await ask(desk, 'GET', `/api/v1/cases/${made.id}`)).rev })
  await phone.getByRole('heading', { name: '井盖移位' }).waitFor()
  await phone.locator('canvas').waitFor()
  await phone.waitForTimeout(6_000)
  await shot(phone, 'docs-field')

  await show(desk, `case/${made.id}`)
  await phone.getByRole('button', { name: '接单' }).click()
  await phone.getByRole('button', { name: '到场' }).click()
  await phone.getByRole('button', { name: /处置前照片/ }).click()
  await phone.waitForTimeout(2_000)
  await shot(phone, 'field-camera')
  await phone.getByRole('button', { name: '拍照', exact: true }).last().click()
  await phone.getByRole('button', { name: '使用照片' }).waitFor()
  await shot(phone, 'field-photo')
  await phone.getByRole('button', { name: '使用照片' }).click()
  await phone.waitForTimeout(3_000)
  await shot(phone, 'field-on-the-scene')
  await phone.getByRole('button', { name: '详情与过程' }).click()
  await phone.waitForTimeout(1_500)
  await shot(phone, 'field-details')
  await phone.getByRole('dialog').getByRole('button', { name: '关闭' }).click()
  await shot(desk, 'centre-case-in-hand')

  await focus.getByRole('button', { name: '视频' }).click()
  const ringing = phone.getByRole('alertdialog')
  await ringing.getByRole('button', { name: '接听' }).waitFor()
  await shot(phone, 'field-ringing')
  await ringing.getByRole('button', { name: '接听' }).click()
  await ringing.getByText('通话中').waitFor()
  await phone.waitForTimeout(4_000)
  await shot(phone, 'field-call')
  await shot(desk, 'centre-call')
  await ringing.getByRole('button', { name: '挂断' }).click()
  await ringing.waitFor({ state: 'hidden' })

  for (const [page, name] of [['巡查', 'patrol'], ['通话', 'calls'], ['我', 'me']]) {
    await phone.getByRole('button', { name: page, exact: true }).click()
    await phone.waitForTimeout(1_000)
    await shot(phone, `field-${name}`)
  }
  await phone.getByRole('button', { name: /高对比度/ }).click()
  await shot(phone, 'field-me-contrast')
  await phone.getByRole('button', { name: /任务$/ }).click()
  await phone.waitForTimeout(1_000)
  await shot(phone, 'field-tasks-contrast')
  await phone.context().setOffline(true)
  await phone.getByText('没有网络').waitFor()
  await shot(phone, 'field-offline')
  await phone.context().setOffline(false)

  await everywhere(desk, open, '')
  await desk.getByRole('button', { name: 'desk', exact: true }).click()
  await desk.getByRole('menuitem', { name: '浅色' }).click()
  await everywhere(desk, open, '-light')

  await phone.getByRole('button', { name: /SOS/ }).hover()
  await phone.mouse.down()
  await phone.waitForTimeout(1_000)
  await shot(phone, 'field-sos-holding')
  await phone.waitForTimeout(1_500)
  await shot(phone, 'field-sos')
  await phone.mouse.up()
  await desk.waitForTimeout(3_000)
  await shot(desk, 'centre-sos')
  await desk.getByRole('status').filter({ hasText: 'SOS' }).getByRole('button').first().click()
  await desk.getByRole('navigation').getByRole('button', { name: '地图', exact: true }).click()
  await desk.waitForTimeout(3_000)
  await shot(desk, 'centre-sos-map')
})

/** everywhere takes the map with what can be in focus, and every room. */
async function everywhere(desk, open, suffix) {
  const { device } = (await ask(desk, 'GET', '/api/v1/hazards?open=true')).find((h) => h.id === open.hazard) ?? { device: (await ask(desk, 'GET', '/api/v1/devices'))[0].id }
  for (const [what, name] of [['', 'map'], ['person/p-001', 'person'], [`device/${device}`, 'device'], [`case/${open.id}`, 'case']]) {
    await show(desk, what)
    await desk.waitForTimeout(3_000)
    await calm(desk)
    await desk.screenshot({ path: `${task.shots}/centre-${name}${suffix}.png`, timeout: 180_000 })
  }
  await show(desk, '')
  for (const [i, room] of rooms.entries()) {
    await desk.getByRole('navigation').getByRole('button', { name: room, exact: true }).click()
    await desk.waitForTimeout(2_500)
    await desk.screenshot({ path: `${task.shots}/centre-room-${i + 1}${suffix}.png`, timeout: 180_000 })
  }
}

/** show opens the map with something in focus, as a new page would. */
async function show(desk, what) {
  await desk.goto(`${origin}/#/map/${what}`)
  await desk.getByRole('region', { name: '街道地图' }).locator('canvas').waitFor()
}

/** calm acknowledges what has announced itself. */
async function calm(desk) {
  const news = desk.getByRole('button', { name: '知道了' })
  if (await news.isVisible()) await news.click()
}

/** waiting is the case of the most telling hazard that stands in the middle of the street and that nobody has taken. */
async function waiting(desk) {
  const [west, south, east, north] = (await ask(desk, 'GET', '/api/v1/street')).bounds
  const central = (p) => Math.abs(p.lon - (west + east) / 2) < (east - west) / 4 && Math.abs(p.lat - (south + north) / 2) < (north - south) / 4
  const cases = await ask(desk, 'GET', '/api/v1/cases?open=true')
  const hazards = await ask(desk, 'GET', '/api/v1/hazards?open=true')
  const standing = hazards.filter((h) => !h.cleared && central(h.place))
  const free = standing.map((h) => ({ h, c: cases.find((c) => c.hazard === h.id && !c.assignee) })).filter((x) => x.c)
  free.sort((a, b) => chosen.indexOf(a.h.rule) - chosen.indexOf(b.h.rule))
  return free[0]?.c
}
