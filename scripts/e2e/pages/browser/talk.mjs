// Push-to-talk between a worker and the centre, then a call for help that stands
// until the centre ends it.
import { centre, eventually, field, goOnDuty, must, play, say, signIn, task } from './stage.mjs'

const shot = (page, name) => page.screenshot({ path: `${task.shots}/talk-${name}.png` })

await play(async () => {
  const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }
  const phone = await field(home)
  await signIn(phone, task.person)
  await goOnDuty(phone, home)
  const desk = await centre({ width: 1920, height: 1080 }, {}, '/#/pool')
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()

  await phone.getByRole('button', { name: '通话', exact: true }).click()
  const pick = phone.getByLabel('对讲组')
  await pick.waitFor()
  const group = await eventually('a grid to talk in', () => phone.locator('optgroup[label="网格"] option').first().getAttribute('value'))
  say('the worker’s groups:', (await pick.innerText()).replaceAll('\n', ' '))
  await pick.selectOption(group)
  await desk.getByLabel('对讲组').selectOption(group)
  await phone.getByText('频道空闲').waitFor()
  await eventually('warm connections', () => phone.evaluate(() => globalThis.connections.filter((c) => c.connectionState === 'connected').length === 2))
  await eventually('warm connections at the desk', () => desk.evaluate(() => globalThis.connections.filter((c) => c.connectionState === 'connected').length === 2))
  await shot(phone, 'free')

  const button = phone.locator('.ptt')
  const box = await button.boundingBox()
  must(box.width >= 160 && box.height >= 160, `the button is for gloves: ${Math.round(box.width)} × ${Math.round(box.height)}`)
  await button.dispatchEvent('pointerdown', { pointerId: 1, bubbles: true }).catch(() => undefined)
  await phone.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await phone.mouse.down()
  await phone.getByText('您正在讲话').waitFor()
  await desk.locator('.talk').getByText('正在讲话').waitFor()
  await shot(phone, 'speaks')
  await shot(desk, 'desk-hears')
  const heard = await eventually('the worker’s voice at the desk', () => desk.evaluate(async () => {
    let energy = 0
    for (const c of globalThis.connections) for (const r of (await c.getStats()).values()) if (r.type === 'inbound-rtp') energy += r.totalAudioEnergy ?? 0
    return energy > 0.001 && energy
  }))
  must(heard, 'the desk hears the worker')
  await phone.mouse.up()
  await desk.locator('.talk').getByText('频道空闲').waitFor()
  await phone.getByText('的讲话已收听').waitFor()
  must(true, 'the worker is told who has heard it')

  await desk.locator('body').click({ position: { x: 900, y: 20 } })
  await desk.keyboard.down('Space') // the centre, with its space bar
  await phone.getByText('正在讲话').waitFor()
  await shot(phone, 'hears')
  await desk.keyboard.up('Space')
  await phone.getByText('频道空闲').waitFor()

  await phone.getByRole('button', { name: '通话检测' }).click()
  await phone.getByRole('button', { name: '开始检测' }).click()
  await phone.locator('.verdict').waitFor()
  say((await phone.locator('.verdict').innerText()))
  must((await phone.locator('li[data-way=udp]').getAttribute('class')) === 'good', 'the direct way is open')
  await phone.locator('.verdict').scrollIntoViewIfNeeded()
  await shot(phone, 'path')
  await phone.getByRole('button', { name: '返回' }).click()

  const sos = phone.locator('button.sos').first()
  await sos.dispatchEvent('pointerdown')
  await phone.waitForTimeout(2_300) // the hold itself
  await sos.dispatchEvent('pointerup')
  await desk.getByText('求助中').waitFor()
  await desk.getByRole('button', { name: '接听' }).waitFor()
  await shot(desk, 'desk-sos')
  await desk.getByRole('button', { name: '接听' }).click()
  await phone.getByRole('alertdialog').getByText('通话中').waitFor()
  await phone.getByRole('alertdialog').getByRole('button', { name: '挂断' }).click()
  await phone.getByText('求助已送达中心').waitFor()
  await phone.getByRole('alertdialog').waitFor({ state: 'hidden' })
  await shot(phone, 'sos')
  await phone.reload() // it stands through everything
  await phone.getByText('求助已送达中心').waitFor()
  await desk.getByRole('button', { name: '结束求助' }).click()
  await desk.getByRole('dialog').getByLabel('原因').fill('同事已到场，人员安全')
  await shot(desk, 'desk-sos-end')
  await desk.getByRole('dialog').getByRole('button', { name: '结束求助' }).click()
  await phone.getByText('求助已送达中心').waitFor({ state: 'hidden' })
  await desk.getByText('求助中').waitFor({ state: 'hidden' })
  must(true, 'the call for help stood until the centre ended it')
})
