// The pool as a dispatcher with both hands on the keyboard uses it: up and down,
// choose, the same step on several with what came of each, a view that is kept.
import { ask, centre, eventually, must, play, say, signIn, task } from './stage.mjs'

const place = { lon: 120.1603, lat: 30.2755 }

await play(async () => {
  const desk = await centre({ width: 1600, height: 900 })
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  const made = []
  for (const [n, matter] of ['CG02', 'CG02', 'CG02', 'HB02', 'CG07', 'SZ08'].entries()) {
    const c = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-pool-${n}-${Date.now()}`, matter, source: n % 2 ? 'patrol' : 'hotline', severity: 'minor', title: `池中第 ${n + 1} 件`, place: { ...place, lon: place.lon + n * 1e-4 } })
    made.push(c)
  }
  await desk.getByRole('navigation').getByRole('button', { name: '任务池', exact: true }).click()
  const rows = desk.locator('table.rows tbody tr')
  await eventually('six rows', async () => (await rows.count()) === 6)

  await desk.keyboard.press('j')
  await desk.keyboard.press('x')
  await desk.keyboard.press('j')
  await desk.keyboard.press('x')
  await desk.keyboard.press('k')
  const bulk = desk.getByRole('region', { name: '已选 2 件' })
  await bulk.waitFor()
  must((await rows.nth(0).getAttribute('class'))?.includes('on'), 'k went up again')
  say('two chosen by keyboard')
  await desk.screenshot({ path: `${task.shots}/pool-chosen.png` })

  await desk.keyboard.press('x')
  await desk.keyboard.press('j')
  await desk.keyboard.press('x') // nothing is chosen any more
  await desk.getByLabel('全选').check()
  await desk.getByRole('region', { name: '已选 6 件' }).getByRole('button', { name: '受理', exact: true }).waitFor({ timeout: 5_000 }).catch(() => say('not all can be taken in: one is filed by itself'))
  for (const c of made.slice(3)) await desk.getByLabel(c.number).uncheck()
  await desk.getByRole('region', { name: '已选 3 件' }).getByRole('button', { name: '受理', exact: true }).click()
  await eventually('three are taken in', async () => (await Promise.all(made.slice(0, 3).map((c) => ask(desk, 'GET', `/api/v1/cases/${c.id}`)))).every((c) => c.state === 'screened'))
  must((await desk.locator('.results li').count()) === 3, 'what came of each of the three is told')
  say('one step on three')

  for (const c of made.slice(0, 3)) await desk.getByLabel(c.number).check()
  await desk.getByRole('button', { name: '并入最早一件' }).click()
  await eventually('two are merged into the first', async () => (await ask(desk, 'GET', `/api/v1/cases/${made[0].id}`)).joined?.length === 2)
  say('merged')

  await desk.getByLabel(made[0].number).check()
  await desk.getByRole('region', { name: '已选 1 件' }).getByRole('button', { name: '立案', exact: true }).click()
  await eventually('the first is filed', async () => (await ask(desk, 'GET', `/api/v1/cases/${made[0].id}`)).state === 'filed')
  for (const c of [made[0], made[4]]) await desk.getByLabel(c.number).check()
  await desk.getByRole('button', { name: '督办' }).click()
  await desk.getByRole('textbox', { name: '原因' }).fill('今天内办结')
  await desk.getByRole('dialog').getByRole('button', { name: '督办' }).click()
  await eventually('both are supervised', async () => (await Promise.all([made[0], made[4]].map((c) => ask(desk, 'GET', `/api/v1/cases/${c.id}`)))).every((c) => c.supervised === 1))
  await desk.getByLabel(made[3].number).check()
  await desk.getByLabel(made[4].number).check()
  await desk.getByRole('button', { name: '各派最近的人' }).click()
  await eventually('each has an answer of its own', async () => (await desk.locator('.results li').count()) === 2)
  must((await desk.locator('.results li.bad').count()) >= 1, 'who cannot be sent is said, and the case stays chosen')
  await desk.screenshot({ path: `${task.shots}/pool-results.png` })

  await desk.getByRole('button', { name: '取消选择' }).click()
  await desk.getByLabel('事项', { exact: true }).selectOption('CG02')
  await desk.getByText('列', { exact: true }).click()
  await desk.getByRole('checkbox', { name: '来源' }).uncheck()
  await desk.getByText('列', { exact: true }).click()
  await desk.getByRole('button', { name: '保存视图' }).click()
  await desk.getByLabel('名称').fill('垃圾')
  await desk.getByRole('dialog').getByRole('button', { name: '保存视图' }).click()
  await desk.reload()
  await desk.getByRole('navigation').getByRole('button', { name: '任务池', exact: true }).click()
  await eventually('the view is kept', async () => (await desk.getByLabel('视图', { exact: true }).inputValue()) === '垃圾')
  must(!(await desk.locator('th', { hasText: '来源' }).count()), 'the column stays away')
  await desk.getByLabel('视图', { exact: true }).selectOption('')
  await eventually('all rows again', async () => (await rows.count()) >= 4)
  await desk.screenshot({ path: `${task.shots}/pool.png` })
  say('a view was kept')
})
