// A worker's phone that comes over the network with TLS: everything that a page
// may do only in a secure context, and the start of the page when the wire is
// cut.
import { execFileSync } from 'node:child_process'
import { ask, centre, eventually, field, goOnDuty, must, play, say, shoot, signIn, task } from './stage.mjs'

const home = { latitude: 30.2753, longitude: 120.16, accuracy: 8 }

await play(async () => {
  const phone = await field(home)
  const sockets = []
  phone.on('websocket', (s) => sockets.push(s.url()))
  must(phone.url() === `${task.secure}/field/`, phone.url())
  await signIn(phone, task.person)
  await goOnDuty(phone, home)

  const may = await phone.evaluate(allowed)
  say(JSON.stringify(may))
  must(may.secure, 'the context is secure')
  must(may.tracks === 'audio video', 'camera and microphone open')
  must(may.position === 'granted', 'the position may be asked for')
  must(may.worker === `${task.secure}/field/sw.js`, 'the service worker is active')

  await phone.getByRole('button', { name: '我', exact: true }).click()
  await phone.getByText('精度 ±8 米').waitFor()
  await phone.getByText('已连接').waitFor()
  must(sockets.some((s) => s.startsWith(`${task.secure.replace('https:', 'wss:')}/mqtt`)), `MQTT over ${sockets.join(' ')}`)

  const desk = await centre({ width: 1366, height: 768 }, {}, '/#/pool')
  await signIn(desk, 'desk')
  await desk.getByText('澄湾街道').waitFor()
  await eventually('the position at the centre', async () => (await ask(desk, 'GET', '/api/v1/people')).find((p) => p.id === task.person).live.position)
  const made = await ask(desk, 'POST', '/api/v1/cases', { id: `e2e-${Date.now()}`, matter: 'CG07', source: 'desk', severity: 'major', title: '井盖移位', place: { lon: 120.1603, lat: 30.2755 } })
  const read = () => ask(desk, 'GET', `/api/v1/cases/${made.id}`)
  await ask(desk, 'POST', `/api/v1/cases/${made.id}/commands`, { id: `e2e-d-${Date.now()}`, type: 'dispatched', assignee: task.person, rev: (await read()).rev })

  await phone.getByRole('button', { name: /任务$/ }).click()
  await phone.getByRole('heading', { name: '井盖移位' }).waitFor()
  for (const step of ['接单', '到场']) await phone.getByRole('button', { name: step }).click()
  await eventually('the arrival at the hub', async () => (await read()).state === 'onscene')
  await phone.getByRole('status').waitFor({ state: 'hidden' }) // the phone has the hub's answer

  cut(true)
  await phone.reload()
  await phone.getByText('没有网络').waitFor()
  await phone.getByRole('heading', { name: '井盖移位' }).waitFor()
  say('the wire is cut, and the page starts with its task')
  await shoot(phone, /处置前照片/)
  await phone.getByText('2 项等待送出').waitFor() // the photo, and what it proves
  cut(false)
  await phone.getByText('等待送出').waitFor({ state: 'hidden' })

  const proof = await eventually('the photo at the hub', async () => (await read()).events.find((e) => e.type === 'evidence'))
  say('the photo is at the hub', JSON.stringify(proof.body))
  await phone.getByRole('button', { name: '我', exact: true }).click()
  await phone.getByText('已连接').waitFor()
  must(true, 'the phone is back on its line')
})

/** cut takes the phone's wire away, or gives it back. */
function cut(off) {
  execFileSync('ip', ['link', 'set', task.wire, off ? 'down' : 'up'])
}

/** allowed tells, in the page, what the browser lets it have. */
async function allowed() {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true })
  const tracks = media.getTracks().map((t) => t.kind).sort().join(' ')
  for (const t of media.getTracks()) t.stop()
  const { state } = await navigator.permissions.query({ name: 'geolocation' })
  const { active } = await navigator.serviceWorker.ready
  return { secure: isSecureContext, tracks, position: state, worker: active.scriptURL }
}
