// A worker's whole task on a phone, one step of it without a network, while the
// centre looks on.
import { ask, centre, eventually, field, goOnDuty, must, play, say, shoot, signIn, task } from './stage.mjs'

const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }
const scene = { lon: 120.1603, lat: 30.2755 }

await play(async () => {
  const desk = await centre({ width: 1366, height: 768 })
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()

  const phone = await field(home)
  await signIn(phone, task.person)
  await goOnDuty(phone, home)
  await phone.getByRole('button', { name: '我', exact: true }).click()
  await phone.getByText('已连接').waitFor()
  say('on duty, and connected over MQTT')

  const seen = await eventually('the position at the centre', async () => {
    const p = (await ask(desk, 'GET', '/api/v1/people')).find((p) => p.id === task.person)
    return p.live.on_duty && p.live.position && p
  })
  must(Math.abs(seen.live.position.lon - home.longitude) < 1e-4, `position ${JSON.stringify(seen.live.position)} ±${seen.live.accuracy_m} m, ${seen.live.presence}`)
  await desk.getByRole('button', { name: '搜索' }).click()
  await desk.getByRole('dialog').getByRole('textbox').fill('017')
  await desk.getByRole('dialog').getByRole('button', { name: '网格员 017' }).click()
  await desk.locator('aside.focus').getByText('±8 米').waitFor()
  say('the centre shows where the worker is')
  await phone.getByRole('button', { name: '任务' }).click()

  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'desk', severity: 'major', title: '井盖移位', place: scene })
  const row = desk.getByRole('tabpanel').getByRole('button').filter({ hasText: '井盖移位' })
  await row.click()
  const focus = desk.locator('aside.focus')
  await focus.getByText('最近的三人').waitFor()
  await focus.getByRole('button', { name: '派遣' }).first().click()

  await phone.getByRole('heading', { name: '井盖移位' }).waitFor({ timeout: 10_000 }) // live: the page itself asks once a minute
  say('the task is on the phone')
  await phone.getByRole('button', { name: '接单' }).click()
  await row.filter({ hasText: '已签收' }).waitFor()
  await phone.getByRole('status').waitFor({ state: 'hidden' }) // the phone has the hub's answer
  say('accepted, and the centre sees it')

  await phone.context().setOffline(true)
  await phone.getByRole('button', { name: '到场' }).click()
  await phone.getByText('没有网络').waitFor()
  await phone.getByText('1 项等待送出').waitFor()
  await phone.getByRole('button', { name: /拍照 · 处置前照片/ }).waitFor()
  must((await ask(desk, 'GET', `/api/v1/cases/${made.id}`)).state === 'accepted', 'the hub has not heard of the arrival')
  say('arrived without a network: kept, and the work goes on')
  await shoot(phone, /拍照 · 处置前照片/)
  await phone.getByText('3 项等待送出').waitFor() // the arrival, the photo, and what it proves
  await phone.context().setOffline(false)
  await row.filter({ hasText: '已到场' }).waitFor()
  await phone.getByText('等待送出').waitFor({ state: 'hidden' })
  say('back on the network: what was kept has been sent')

  await shoot(phone, /拍照 · 处置后照片/)
  await phone.getByRole('button', { name: '办结' }).click()
  await row.filter({ hasText: '已反馈' }).waitFor()
  await phone.getByText('已完成，等待核查').or(phone.getByText('现在没有任务')).first().waitFor()
  say('claimed')

  const end = await ask(desk, 'GET', `/api/v1/cases/${made.id}`)
  const types = end.events.map((e) => e.type).join(' ')
  must(/accepted .*onscene .*evidence .*evidence .*claimed$/.test(types), types)
  await focus.getByRole('img').or(focus.locator('img')).first().waitFor()
  const loaded = await eventually('the photos at the centre', () => focus.locator('img').evaluateAll((all) => all.length >= 2 && all.every((i) => i.naturalWidth > 0)))
  must(loaded, 'the centre shows both photos')
  const arrival = end.events.find((e) => e.type === 'onscene')
  must(arrival.server > arrival.at, `the arrival carries the phone's time, ${arrival.server - arrival.at} ms before it was sent`)

  await desk.getByRole('navigation').getByRole('button', { name: '系统', exact: true }).click()
  await phone.getByRole('button', { name: /SOS/ }).hover()
  await phone.mouse.down()
  await phone.getByText('求助已发出').waitFor()
  await phone.mouse.up()
  const cry = desk.getByRole('status').filter({ hasText: 'SOS 人员求助 网格员 017' })
  await cry.getByRole('button').first().click()
  await focus.getByRole('heading', { name: 'SOS 人员求助 网格员 017' }).waitFor()
  await desk.getByRole('navigation').getByRole('button', { name: '地图', exact: true }).click()
  await desk.locator('.alarm-pin.loud').waitFor()
  must((await desk.getByRole('tabpanel').getByRole('button').first().innerText()).includes('SOS'), 'a cry for help is heard in every room, pulses, and stands first')
})
