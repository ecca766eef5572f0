// Both faces and all rooms of the centre, judged by axe-core.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { ask, centre, field, goOnDuty, must, play, say, signIn, task } from './stage.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const grave = ['serious', 'critical']

/** judge fails on what keeps somebody from using the page. */
async function judge(page, name) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const bad = violations.filter((v) => grave.includes(v.impact))
  for (const v of bad) for (const n of v.nodes.slice(0, 3)) say('     ', v.id, n.target.join(' '), n.failureSummary?.split('\n').slice(1, 3).join(' ').trim() ?? '')
  must(bad.length === 0, `${name}: ${bad.length} grave violations, ${violations.length - bad.length} lesser ones ${violations.filter((v) => !bad.includes(v)).map((v) => v.id).join(' ')}`)
}

await play(async () => {
  const desk = await centre({ width: 1366, height: 768 })
  await judge(desk, 'sign in')
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()

  const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }
  const phone = await field(home)
  await judge(phone, 'field: sign in')
  await signIn(phone, task.person)
  await judge(phone, 'field: off duty')
  await goOnDuty(phone, home)
  await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'desk', severity: 'major', title: '井盖移位', place: { lon: 120.1603, lat: 30.2755 } })
  await desk.getByRole('tabpanel').getByRole('button').filter({ hasText: '井盖移位' }).click()
  await desk.locator('aside.focus').getByText('最近的三人').waitFor()
  await judge(desk, 'map and a case')
  await desk.locator('aside.focus').getByRole('button', { name: '派遣' }).first().click()
  await phone.getByRole('heading', { name: '井盖移位' }).waitFor()
  await judge(phone, 'field: a task')
  for (const page of ['巡查', '通话', '我']) {
    await phone.getByRole('button', { name: page, exact: true }).click()
    await judge(phone, `field: ${page}`)
  }
  for (const room of ['任务池', '巡查', '统计', '设备', '系统']) {
    await desk.getByRole('navigation').getByRole('button', { name: room, exact: true }).click()
    await desk.locator('.room').waitFor()
    await judge(desk, room)
  }
})
