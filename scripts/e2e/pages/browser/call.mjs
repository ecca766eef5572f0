// A video call from the centre to a worker about a case: it rings, both see and
// hear the other, and the case tells that it was.
import { ask, centre, eventually, field, goOnDuty, must, play, say, signIn, task } from './stage.mjs'

await play(async () => {
  const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }
  const phone = await field(home)
  await signIn(phone, task.person)
  await goOnDuty(phone, home)
  const desk = await centre({ width: 1366, height: 768 }, {}, '/#/pool') // without the map: pictures of two cameras are enough to draw
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  await eventually('the worker is near', async () => (await ask(desk, 'GET', '/api/v1/people')).find((p) => p.id === task.person).live.position)

  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'desk', title: '井盖移位', place: { lon: 120.1603, lat: 30.2755 } })
  await desk.getByRole('row').filter({ hasText: '井盖移位' }).click()
  const focus = desk.locator('aside.focus')
  await focus.getByRole('button', { name: '派遣' }).first().click()
  await phone.getByRole('button', { name: '我', exact: true }).click()
  await focus.getByRole('button', { name: '视频' }).click()

  const ringing = phone.getByRole('alertdialog')
  await ringing.getByRole('button', { name: '接听' }).waitFor()
  must((await ringing.innerText()).includes('指挥中心'), 'the phone says who calls')
  say('it rings on the phone:', (await ringing.innerText()).replaceAll('\n', ' '))
  await ringing.getByRole('button', { name: '接听' }).click()

  for (const [name, page] of [['centre', desk], ['field', phone]]) {
    const m = await eventually(`picture and sound at the ${name}`, async () => {
      const m = await received(page)
      return m.frames > 20 && m.samples > 24_000 && m.energy > 0 && m
    })
    say(`${name} receives`, JSON.stringify(m))
  }
  await ringing.getByText('通话中').waitFor()
  await ringing.getByRole('button', { name: '挂断' }).click()
  await ringing.waitFor({ state: 'hidden' })
  await desk.locator('footer').getByText('通话中').waitFor({ state: 'hidden' })
  say('hung up')

  const steps = await eventually('the call and its recording on the case', async () => {
    const events = (await ask(desk, 'GET', `/api/v1/cases/${made.id}`)).events.filter((e) => e.type === 'called')
    return events.some((e) => e.body.kind === 'recorded') && events
  })
  say(steps.map((e) => e.body.text ?? e.why ?? JSON.stringify(e.body)).join(' | '))
  await eventually('the steps on the screen', async () => (await focus.locator('ol.line').getByText('通话', { exact: true }).count()) === steps.length)
  must(true, `${steps.length} steps of the call stand on the case's timeline`)
})

function received(page) {
  return page.evaluate(async () => {
    const m = { frames: 0, samples: 0, energy: 0 }
    for (const c of globalThis.connections) {
      for (const r of (await c.getStats()).values()) {
        if (r.type !== 'inbound-rtp') continue
        m.frames += r.framesDecoded ?? 0
        m.samples += (r.totalSamplesReceived ?? 0) - (r.concealedSamples ?? 0)
        m.energy += r.totalAudioEnergy ?? 0
      }
    }
    return m
  })
}
