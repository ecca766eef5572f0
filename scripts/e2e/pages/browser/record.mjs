// A call on a case is recorded, and the hub is killed in between: both pages
// say that it is recorded, the call comes back by itself, and the case has the
// recording, which plays.
import { ask, centre, eventually, field, goOnDuty, must, play, say, signIn, task } from './stage.mjs'

await play(async () => {
  const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }
  const phone = await field(home)
  await signIn(phone, task.person)
  await goOnDuty(phone, home)
  const desk = await centre({ width: 1366, height: 900 }, {}, '/#/pool')
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
  must((await ringing.innerText()).includes('录音录像'), 'the phone says that it is recorded before anybody is heard')
  must((await desk.locator('footer').innerText()).includes('录音录像'), 'so does the desk')
  await ringing.getByRole('button', { name: '接听' }).click()
  await ringing.getByText('通话中').waitFor()
  const before = await frames(phone, 40)
  await new Promise((r) => setTimeout(r, 6000))
  say('killing the hub after', before, 'frames')
  await fetch(task.restart, { method: 'POST' })
  say('it is up again')
  await eventually('the call is back', async () => (await frames(phone, 0)) > 0 && (await ringing.getByText('通话中').count()) > 0)
  await new Promise((r) => setTimeout(r, 8000))
  await ringing.getByRole('button', { name: '挂断' }).click()
  await ringing.waitFor({ state: 'hidden' })

  const list = await eventually('the recording on the case', async () => {
    const all = await ask(desk, 'GET', `/api/v1/cases/${made.id}/recordings`)
    return all[0]?.state === 'complete' && all
  })
  const book = await ask(desk, 'GET', `/api/v1/recordings/${list[0].call}`)
  say(JSON.stringify({ ...book, head: book.head.slice(0, 12) }))
  must(book.gaps.some((g) => g.cause === 'restart'), 'the gap is marked')
  must(new Set(book.parts.map((p) => p.person)).size === 2, 'both are recorded')
  const events = (await ask(desk, 'GET', `/api/v1/cases/${made.id}`)).events
  must(events.some((e) => e.body.kind === 'recorded' && e.body.evidence === list[0].head), 'the case names the head of its chain')

  await focus.getByRole('button', { name: '播放' }).click()
  const modal = desk.getByRole('dialog')
  await modal.getByRole('button', { name: '播放' }).click()
  const first = modal.locator('video').first()
  const m = await eventually('it plays', async () => {
    const m = await first.evaluate((v) => ({ at: v.currentTime, ready: v.readyState, width: v.videoWidth, frames: v.getVideoPlaybackQuality().totalVideoFrames }))
    return m.at > 1 && m.ready >= 2 && m.frames > 5 && m
  })
  must(true, `it plays: ${JSON.stringify(m)}`)
  await modal.getByRole('button', { name: '暂停' }).click()
  await desk.screenshot({ path: `${task.shots}/playback.png` })
})

/** frames counts the pictures that a page has decoded in its open connections, once there are that many. */
function frames(page, least) {
  return eventually('pictures flow', async () => {
    const n = await page.evaluate(async () => {
      let n = 0
      for (const c of globalThis.connections.filter((c) => c.connectionState === 'connected')) {
        for (const r of (await c.getStats()).values()) if (r.type === 'inbound-rtp') n += r.framesDecoded ?? 0
      }
      return n
    })
    return n > least && n
  })
}
