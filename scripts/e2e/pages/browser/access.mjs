// Both faces and all rooms of the centre, in their two looks, judged by axe-core.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ask, centre, eventually, field, goOnDuty, must, origin, play, say, signIn, task } from './stage.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const grave = ['serious', 'critical']
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

/** judge fails on what keeps somebody from using a page, in each of its two looks. */
async function judge(page, name) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const [what, ...looks] = name.startsWith('field') ? ['contrast', 'more', 'no'] : ['theme', 'light', 'dark']
  for (const value of looks) {
    const violations = await page.evaluate(look, [what, value])
    const bad = violations.filter((v) => grave.includes(v.impact))
    for (const v of bad) for (const n of v.nodes.slice(0, 4)) say('     ', v.id, n.target, n.why)
    const lesser = violations.filter((v) => !bad.includes(v)).map((v) => v.id)
    must(bad.length === 0, `${name}, ${what} ${value}: ${bad.length} grave violations, ${lesser.length} lesser ones ${lesser.join(' ')}`)
  }
}

async function look([what, value]) {
  document.documentElement.dataset[what] = value
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] })
  return violations.map((v) => ({
    id: v.id, impact: v.impact,
    nodes: v.nodes.map((n) => ({ target: n.target.join(' '), why: n.failureSummary?.split('\n').slice(1, 3).join(' ').trim() ?? '' })),
  }))
}
