// Several on one case, side by side: the desk looks on at a usual screen, a
// co-handler works and signs on a phone, the lead's steps come from a phone too.
import { ask, centre, eventually, field, goOnDuty, must, play, say, signIn, task } from './stage.mjs'

const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }
const scene = { lon: 120.1603, lat: 30.2755 }
const lead = 'p-341'
let n = 0

await play(async () => {
  const desk = await centre({ width: 1366, height: 768 })
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  const phone = await field(home)
  await signIn(phone, task.person)
  await goOnDuty(phone, home)
  const other = await field(home)
  await signIn(other, lead)
  await other.getByRole('button', { name: '现在上岗' }).waitFor()

  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'AQ06', source: 'patrol', severity: 'major', title: '外墙脱落', place: scene })
  const step = (page, type, more = {}) => ask(page, 'POST', `/api/v1/cases/${made.id}/commands`, { id: `parallel-${Date.now()}-${n++}`, type, ...more })
  await step(desk, 'screened')
  await step(desk, 'filed')
  await step(desk, 'dispatched', { assignee: lead })

  await desk.getByRole('tabpanel').getByRole('button').filter({ hasText: '外墙脱落' }).click()
  const focus = desk.locator('aside.focus')
  await focus.getByText('协同办理').waitFor()
  const card = (what) => focus.getByRole('listitem').filter({ hasText: what }).first()
  await card('协办 1').getByText('待签收').waitFor()
  await card('协办 2').getByText('物业').waitFor()
  say('two orders went out by themselves')

  await phone.getByRole('heading', { name: '外墙脱落' }).waitFor({ timeout: 20_000 })
  await phone.getByText('您的协办单 1').waitFor()
  must(!(await phone.getByRole('button', { name: '接单' }).isVisible()), 'the co-handler is not offered the step of the lead')
  await phone.screenshot({ path: `${task.shots}/parallel-field.png` })
  await phone.getByRole('button', { name: '签收', exact: true }).click()
  await card('协办 1').getByText('办理中').waitFor()
  await phone.getByRole('button', { name: '协办办结', exact: true }).waitFor()
  say('the co-handler took the own order on the phone, and the centre sees it')

  await step(other, 'accepted')
  await step(other, 'onscene', { place: scene })
  for (const kind of ['photo-before', 'photo-after', 'document']) {
    await step(other, 'evidence', { kind, evidence: await upload(other, made.id, kind) })
  }
  const refused = await step(other, 'claimed').catch((e) => String(e))
  must(/422/.test(refused), 'a claim without the counter-sign is refused')
  await step(other, 'cosign')
  await phone.getByText('请您会签').waitFor({ timeout: 20_000 })
  await focus.getByText('第 1 轮').waitFor()
  await desk.screenshot({ path: `${task.shots}/parallel-cosign.png` })
  await phone.screenshot({ path: `${task.shots}/parallel-sign.png` })
  await phone.getByRole('button', { name: '详情与过程' }).click()
  await phone.getByRole('dialog').getByRole('button', { name: '不同意' }).click()
  await phone.getByRole('dialog').getByRole('textbox').fill('支撑不足')
  await phone.getByRole('dialog').getByRole('button', { name: '不同意' }).click()
  await focus.getByText('被否决').waitFor()
  say('vetoed on the phone')

  await step(other, 'cosign')
  await focus.getByText('第 2 轮').waitFor()
  await phone.getByRole('button', { name: '同意', exact: true }).click()
  await focus.getByText('会签通过').waitFor()
  await step(other, 'claimed')
  await focus.getByText('核查要等：').waitFor()
  must(!(await focus.getByRole('button', { name: '核查通过' }).isVisible()), 'the check is not offered while it waits')
  say('the second round passed; the lead claimed, the check waits')

  await phone.getByRole('button', { name: '协办办结', exact: true }).click()
  await card('协办 1').getByText('已办结').waitFor()
  await card('协办 2').getByRole('button', { name: /更多/ }).click()
  await desk.getByRole('menuitem', { name: '免办' }).click()
  await desk.getByRole('dialog').getByRole('textbox').fill('社区已代为围挡')
  await desk.getByRole('dialog').getByRole('button', { name: '免办' }).click()
  await card('协办 2').getByText('已免办').waitFor()
  await desk.screenshot({ path: `${task.shots}/parallel-done.png` })
  await focus.getByRole('button', { name: '核查通过' }).click()
  await eventually('the check', async () => (await ask(desk, 'GET', `/api/v1/cases/${made.id}`)).state === 'checked')

  const end = await ask(desk, 'GET', `/api/v1/cases/${made.id}`)
  const types = end.events.map((e) => e.type).join(' ')
  must(/ordered ordered .*taken .*cosign opposed cosign agreed claimed done waived checked$/.test(types), types)
  must(end.held.some((h) => h.department === 'desk' && h.since), `held by ${JSON.stringify(end.held)}`)

  await desk.getByRole('navigation').getByRole('button', { name: '统计', exact: true }).click()
  const line = desk.getByRole('row').filter({ hasText: '应急管理' })
  await line.getByRole('button', { name: '1' }).waitFor()
  await desk.screenshot({ path: `${task.shots}/parallel-figures.png` })
  await line.getByRole('button', { name: '1' }).click()
  await desk.getByText('应急管理 · 经手案件').waitFor()
  await desk.getByRole('row').filter({ hasText: '外墙脱落' }).waitFor()
  say('the figures say who held it, and the number opens the case')

  await desk.getByRole('navigation').getByRole('button', { name: '地图', exact: true }).click()
  const second = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-hotline-${Date.now()}`, matter: 'CG07', source: 'hotline', title: '井盖异响', place: scene })
  const on = (page, type, more = {}) => ask(page, 'POST', `/api/v1/cases/${second.id}/commands`, { id: `objection-${Date.now()}-${n++}`, type, ...more })
  if (second.state === 'reported') { await on(desk, 'screened'); await on(desk, 'filed') }
  await on(desk, 'dispatched', { assignee: task.person })
  await phone.getByRole('heading', { name: '井盖异响' }).waitFor({ timeout: 20_000 })
  await phone.getByRole('button', { name: '详情与过程' }).click()
  const sheet = phone.getByRole('dialog')
  must(!(await sheet.getByRole('button', { name: '回退此任务' }).isVisible()), 'a case of the hotline is not simply returned')
  await sheet.getByRole('button', { name: '提出异议' }).click()
  await sheet.getByRole('textbox').fill('属水务')
  await sheet.getByRole('button', { name: '提出异议' }).click()
  const chief = await centre({ width: 1366, height: 768 })
  await signIn(chief, 'admin')
  await chief.getByRole('tabpanel').getByRole('button').filter({ hasText: '井盖异响' }).filter({ hasText: '异议复核中' }).click()
  const room = chief.locator('aside.focus')
  await room.getByRole('button', { name: '驳回异议' }).waitFor()
  await chief.screenshot({ path: `${task.shots}/parallel-objection.png` })
  const own = await on(desk, 'dismissed', { why: '自己派的' }).catch((e) => String(e))
  must(/422/.test(own), 'who dispatched does not review the objection to it')
  await room.getByRole('button', { name: '异议成立' }).click()
  await chief.getByRole('dialog').getByRole('textbox').fill('确属水务')
  await chief.getByRole('dialog').getByRole('button', { name: '异议成立' }).click()
  await room.getByText('最近的三人').waitFor()
  await eventually('the objection upheld', async () => (await ask(desk, 'GET', `/api/v1/cases/${second.id}`)).state === 'upheld')
  say('an objection was raised on the phone and upheld by somebody else than who had dispatched')
})

/** upload draws a picture and gives it to the hub, as a camera would. */
function upload(page, id, kind) {
  return page.evaluate(async ([id, kind]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 })
    const draw = canvas.getContext('2d')
    for (let i = 0; i < 40; i++) {
      draw.fillStyle = `hsl(${(i * 97 + kind.length * 31) % 360} 60% 50%)`
      draw.fillRect((i * 53 * kind.length) % 320, (i * 71) % 240, 40, 30)
    }
    const photo = await new Promise((done) => canvas.toBlob(done, 'image/jpeg'))
    const answer = await fetch(`/api/v1/evidence?case=${id}&kind=${kind}&at=${Date.now()}`, { method: 'POST', body: photo, headers: { 'Content-Type': 'image/jpeg' } })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    return (await answer.json()).hash
  }, [id, kind])
}
