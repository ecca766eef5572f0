// The desk at work: the map lives, a hazard becomes a case, one click sends the
// nearest.
import { ask, centre, eventually, must, play, say, signIn } from './stage.mjs'
import { spots, token } from './sight.mjs'

await play(async () => {
  const page = await centre()
  await signIn(page, 'desk')
  await page.getByText('澄湾街道').waitFor()
  const map = page.getByRole('region', { name: '街道地图' })
  await map.locator('canvas').waitFor()

  await eventually('twelve people on duty', async () => (await ask(page, 'GET', '/api/v1/people')).filter((p) => p.live.on_duty).length === 12)
  const colour = await token(page, 'map-person')
  let before = await spots(page, map, colour)
  const moved = await eventually('people who move', async () => {
    const now = await spots(page, map, colour)
    const left = before.filter((cell) => !now.includes(cell)).length
    if (!left && now.length > before.length) before = now // somebody has come into sight
    return before.length > 8 && left
  })
  say(`people are drawn in ${before.length} cells, ${moved} of them left since`)

  await page.getByRole('button', { name: '设备', exact: true }).first().click()
  const rows = page.getByRole('row').filter({ hasText: '芦舟路33号楼地下室燃气' })
  await rows.filter({ hasText: '%LEL' }).waitFor()
  const devices = await ask(page, 'GET', '/api/v1/devices')
  const measured = devices.filter((d) => d.values?.length).length
  must(devices.length >= 62 && measured >= 62, `${measured} of ${devices.length} devices show values`)
  await page.getByRole('button', { name: '地图', exact: true }).click()

  await page.getByRole('tab', { name: '隐患' }).click()
  const hazard = page.getByRole('tabpanel').getByRole('button').first()
  await hazard.waitFor({ timeout: 180_000 })
  say('a hazard stands on the screen:', (await hazard.innerText()).replaceAll('\n', ' '))
  const open = await eventually('a case that nobody made', async () => (await ask(page, 'GET', '/api/v1/cases?open=true')).find((c) => c.source === 'sensor' && c.hazard && !c.assignee))
  await page.goto(page.url().replace(/#.*/, '') + `#/map/case/${open.id}`)
  const focus = page.locator('aside.focus')
  await focus.getByText(open.number).waitFor()
  await focus.getByRole('button', { name: '派遣' }).first().waitFor()
  const nearest = (await focus.locator('li .strong').first().innerText()).trim()
  await focus.getByRole('button', { name: '派遣' }).first().click()
  await focus.getByText('已派遣').or(focus.getByText('已签收')).or(focus.getByText('前往中')).first().waitFor()
  const sent = await eventually('somebody is sent', async () => {
    const c = await ask(page, 'GET', `/api/v1/cases/${open.id}`)
    return c.assignee && c
  })
  say(`${open.number} went to ${sent.assignee} (${nearest})`)
  must(nearest.includes(sent.assignee.slice(2)), 'who was first on the screen was sent')
  await focus.getByText('已签收').or(focus.getByText('前往中')).or(focus.getByText('已到场')).first().waitFor({ timeout: 120_000 })
  say('the walker answers, and the screen tells')
})
