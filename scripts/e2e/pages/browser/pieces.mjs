// A video of ten megabytes over a bad network that goes away in the middle: the
// phone goes on where the hub stands, and the film is evidence of the case once.
import { createHash, randomFillSync } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, centre, eventually, field, goOnDuty, must, play, say, signIn, task } from './stage.mjs'

const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }

/** film is an MP4 in its boxes, with noise for pictures, and a camera's note of the place. */
function film() {
  const box = (kind, ...parts) => {
    const body = Buffer.concat(parts)
    const head = Buffer.alloc(8)
    head.writeUInt32BE(8 + body.length)
    head.write(kind, 4)
    return Buffer.concat([head, body])
  }
  const where = Buffer.from('+30.2753+120.1600/')
  return Buffer.concat([
    box('ftyp', Buffer.from('isom\x00\x00\x02\x00isomiso2mp41')),
    box('moov', box('udta', box('©xyz', where))),
    box('mdat', randomFillSync(Buffer.alloc(10 << 20))),
  ])
}

await play(async () => {
  const desk = await centre({ width: 1366, height: 768 })
  await signIn(desk, 'desk')
  const phone = await field(home)
  await signIn(phone, task.person)
  await goOnDuty(phone, home)
  await phone.getByRole('button', { name: '任务' }).click()
  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'desk', severity: 'major', title: '井盖移位', place: { lon: 120.1603, lat: 30.2755 } })
  for (const step of ['screened', 'filed', 'dispatched']) {
    const now = await ask(desk, 'GET', `/api/v1/cases/${made.id}`)
    if (now.next.includes(step)) await ask(desk, 'POST', `/api/v1/cases/${made.id}/commands`, { id: `e2e-${step}-${Date.now()}`, type: step, assignee: step === 'dispatched' ? task.person : undefined })
  }
  await phone.getByRole('heading', { name: '井盖移位' }).waitFor({ timeout: 60_000 })

  const bytes = film()
  const file = join(mkdtempSync(join(tmpdir(), 'film-')), 'film.mp4')
  writeFileSync(file, bytes)
  const sent = []
  phone.on('request', (r) => {
    if (r.url().includes('/api/v1/uploads/')) sent.push({ method: r.method(), offset: Number(r.headers()['upload-offset'] ?? -1) })
  })
  const wire = await phone.context().newCDPSession(phone)
  await wire.send('Network.emulateNetworkConditions', { offline: false, latency: 80, downloadThroughput: 1 << 20, uploadThroughput: 1500 << 10 })

  await phone.getByRole('button', { name: '详情与过程' }).click()
  await phone.getByText('拍一段视频').waitFor()
  await phone.screenshot({ path: `${task.shots}/field-film.png` })
  await phone.locator('input[type=file]').setInputFiles(file)
  await eventually('a third of the film at the hub', () => sent.some((r) => r.method === 'PATCH' && r.offset > 3 << 20))
  await phone.context().setOffline(true)
  await phone.getByText('没有网络').waitFor()
  await phone.waitForTimeout(3_000) // what was under way has failed
  const before = sent.length
  const far = Math.max(...sent.map((r) => r.offset))
  say(`the network went away with ${(far / 1048576).toFixed(1)} of 10 MB at the hub`)
  must(!(await ask(desk, 'GET', `/api/v1/cases/${made.id}`)).evidence?.length, 'half a film is no evidence')
  await phone.context().setOffline(false)
  await phone.reload() // the page goes away too: what it knows is on the phone

  const hash = createHash('sha256').update(bytes).digest('hex')
  const end = await eventually('the film as evidence of the case', async () => {
    const c = await ask(desk, 'GET', `/api/v1/cases/${made.id}`)
    return c.evidence?.includes(hash) && c
  }, 90_000)
  const after = sent.slice(before)
  must(after[0].method === 'HEAD', `after the break the phone asks first: ${JSON.stringify(after[0])}`)
  must(after.filter((r) => r.method === 'PATCH').every((r) => r.offset >= far), `no piece from before the break is sent again: ${after.map((r) => r.offset)}`)
  must(!after.some((r) => r.method === 'POST'), 'it is the same upload')
  const item = end.items.find((i) => i.hash === hash)
  must(item.type === 'video/mp4' && item.kind === 'video' && item.by === task.person && Math.abs(item.place.lon - home.longitude) < 1e-4, JSON.stringify(item))
  must(end.evidence.filter((h) => h === hash).length === 1, 'it is there once')
  const shown = await desk.evaluate(async (h) => (await (await fetch(`/api/v1/evidence/${h}/file?form=marked`)).text()).includes('+30.2753+120.16'), hash)
  must(!shown, 'what the desk sees does not say where the camera thinks it was')
  say('the film is there, once, whole, and with the place that the phone said')
})
