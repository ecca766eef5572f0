// The desk sets two things on a device: one is done late, the other fails. The
// page asks first, tells each stage, and calls nothing done that is not.
import { judge } from './judge.mjs'
import { centre, must, play, say, signIn, task } from './stage.mjs'

await play(async () => {
  const desk = await centre({ width: 1366, height: 768 }, { reducedMotion: 'reduce' }, '/#/devices/device/siren-1')
  await signIn(desk, 'desk')
  const focus = desk.locator('aside.focus')
  const siren = focus.getByRole('group', { name: '第 1 路' })
  const on = siren.getByRole('button', { name: '开', exact: true })
  await on.waitFor()

  await on.click()
  const question = desk.getByRole('dialog')
  await judge(desk, 'the question')
  must((await question.innerText()).includes('3 号楼声光警号'), 'the question names the device')
  await question.getByRole('button', { name: '取消' }).click()
  must((await focus.locator('.trail li').count()) === 0, 'nothing is sent when the answer is no')

  await on.click()
  await question.getByRole('button', { name: '下发指令' }).click()
  const trail = focus.locator('.trail > li .item')
  await trail.filter({ hasText: '网关已接收' }).and(desk.locator('.acknowledged')).waitFor()
  must((await focus.locator('.item.executed').count()) === 0, 'what the gateway has is not done')
  const tone = await trail.first().locator('.head').evaluate((e) => getComputedStyle(e).color)
  const green = await desk.evaluate(() => {
    const probe = document.body.appendChild(document.createElement('i'))
    probe.style.color = 'var(--ok)'
    const colour = getComputedStyle(probe).color
    probe.remove()
    return colour
  })
  must(tone !== green, `it is not green (${tone}, not ${green})`)

  await focus.getByRole('spinbutton').fill('30')
  await focus.getByRole('button', { name: '设定' }).click()
  await question.getByRole('button', { name: '下发指令' }).click()
  await focus.locator('.item.failed').getByText('设备没有应答').waitFor()
  const done = focus.locator('.item.executed')
  await done.waitFor()
  must((await done.locator('.head').evaluate((e) => getComputedStyle(e).color)) === green, 'what is done is green')
  const steps = await done.locator('.steps li').allInnerTexts()
  say(steps.join(' | '))
  must(steps.length === 4 && steps.every((s) => /\d\d:\d\d:\d\d/.test(s)), 'every stage stands with its time')
  await judge(desk, 'a device, its controls and what was set')
  await desk.screenshot({ path: `${task.shots}/command.png` })

  await focus.getByRole('spinbutton').fill('101')
  await focus.getByRole('button', { name: '设定' }).click()
  must((await question.count()) === 0, 'a value beyond the limits is not asked about')
})
