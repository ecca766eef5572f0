// A device's life at the desk: a replaced meter, one that was taken down, one
// that its gateway says is being worked on, one that the desk puts into
// maintenance, and a terminal that is handed over.
import { ask, centre, eventually, must, origin, play, say, signIn, task } from './stage.mjs'
import { judge } from './judge.mjs'

await play(async () => {
  const page = await centre({ width: 1366, height: 900 }, { reducedMotion: 'reduce' })
  await signIn(page, 'desk')
  await page.getByText('澄湾街道').waitFor()
  const focus = page.locator('aside.focus')
  const open = async (id, name) => {
    await page.goto(`${origin}/#/map/device/${id}`)
    await focus.getByRole('heading', { name }).waitFor()
  }
  const shot = (name) => page.screenshot({ path: `${task.shots}/life-${name}.png` })
  const state = async (id) => (await ask(page, 'GET', '/api/v1/devices')).find((d) => d.id === id)

  await open('meter-1', '3 号楼总表')
  await focus.getByText('SN-2002').first().waitFor()
  await focus.getByText('SN-1001 → SN-2002').waitFor()
  await focus.getByText('S-4471').waitFor()
  must((await focus.getByText('查看照片').getAttribute('href')) === 'https://photos.example/meter-1.jpg', 'the photo is one click away')
  must(await focus.getByText('计数从新表重新开始').isVisible(), 'a counter that begins anew is explained beside its curve')
  say('the replaced meter tells both units')

  // Begin maintenance with the keyboard alone.
  await focus.getByRole('button', { name: '开始维护' }).focus()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.waitFor()
  await judge(page, 'the question about maintenance')
  await dialog.getByRole('radio', { name: '4 小时' }).focus()
  await page.keyboard.press('Space')
  await dialog.getByRole('textbox').fill('标定电表')
  await shot('ask')
  await dialog.getByRole('button', { name: '开始维护' }).focus()
  await page.keyboard.press('Enter')
  await focus.getByRole('status').getByText('维护中').waitFor()
  const left = ((await state('meter-1')).maintenance.until - Date.now()) / 3600_000
  must(left > 3.9 && left <= 4, `it ends by itself in ${left.toFixed(2)} hours`)
  await focus.getByText('开始维护 · desk').waitFor()
  await judge(page, 'a device in maintenance')
  await shot('maintenance')

  await open('gas-new', '新燃气探头')
  await focus.getByText('由网关 gw-fit 的设备文件设定').waitFor()
  must((await focus.getByRole('button', { name: '立即结束' }).count()) === 0, 'what the gateway has set cannot be ended here')
  const refused = await ask(page, 'POST', '/api/v1/devices/gas-new/maintenance', { until: 0 }).catch((e) => String(e))
  must(/409/.test(JSON.stringify(refused)), `and the hub says so: ${JSON.stringify(refused)}`)
  await shot('gateway')

  await open('gas-old', '旧燃气探头')
  await focus.getByText('起不在网关清单中').waitFor()
  await focus.getByText('已拆除', { exact: true }).waitFor()
  must((await focus.getByRole('button', { name: '开始维护' }).count()) === 0, 'a device that is gone cannot be worked on')
  await judge(page, 'a device that is gone')
  await shot('removed')

  await open('badge-7', '终端 7 号')
  await focus.getByRole('button', { name: '绑定' }).click()
  await dialog.getByLabel('人员').selectOption('p-017')
  await judge(page, 'handing a terminal over')
  await dialog.getByRole('button', { name: '绑定' }).click()
  await focus.getByRole('button', { name: '网格员 017' }).waitFor()
  await eventually('the terminal has its bearer', async () => (await state('badge-7')).person === 'p-017')
  await shot('holder')

  await page.getByRole('navigation').getByRole('button', { name: '设备', exact: true }).click()
  const row = (name) => page.getByRole('row').filter({ hasText: name })
  await row('3 号楼总表').getByText('维护中').waitFor()
  await row('新燃气探头').getByText('维护中').waitFor()
  await row('旧燃气探头').getByText('已拆除').waitFor()
  await judge(page, 'the list of devices')
  await shot('list')

  await open('meter-1', '3 号楼总表')
  await focus.getByRole('button', { name: '立即结束' }).click()
  await focus.getByRole('button', { name: '开始维护' }).waitFor()
  await focus.getByText('结束维护 · desk').waitFor()
  must(!(await state('meter-1')).maintenance, 'it is over')
})
