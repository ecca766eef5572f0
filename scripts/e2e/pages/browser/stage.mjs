// What all flows share: one Chromium, a window per person, words for what is
// seen, and an end that is 1 when something was not as it should be.
import { execFileSync } from 'node:child_process'
import { chromium } from 'playwright-core'

export const task = JSON.parse(process.env.PAGES_TASK ?? '{}')
/** Where the pages are: another machine than the hub's reaches only what TLS guards. */
export const origin = task.wire ? task.secure : task.url
export const patience = 60_000 // ms for one thing to appear on a busy machine

/** What a page may say without being wrong: a refused sign-in and the like are answers. */
const harmless = [/Failed to load resource/, /net::ERR_INTERNET_DISCONNECTED/, /WebSocket connection to .* failed/, /GPU stall due to ReadPixels/, /Blocked call to navigator\.vibrate/, /\[\.WebGL/]

const flags = [
  '--no-sandbox', '--enable-unsafe-swiftshader', '--use-angle=swiftshader',
  '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--allow-loopback-in-peer-connection',
]

let browser
const windows = []
const faults = []

async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    args: flags,
  })
  return browser
}

/** say writes one line of what this flow has seen. */
export function say(...words) {
  console.log(new Date().toISOString().slice(14, 23), ...words)
}

/** must notes a fault when a fact is not so, and goes on. */
export function must(fact, what) {
  if (!fact) faults.push(what)
  say(fact ? '  ok ' : 'FAULT', what)
}

async function enter(name, context, path) {
  context.setDefaultTimeout(patience)
  await context.addInitScript(() => {
    // Every connection that a page opens can be asked what it receives.
    const Plain = globalThis.RTCPeerConnection
    globalThis.connections = []
    globalThis.RTCPeerConnection = class extends Plain {
      constructor(...args) {
        super(...args)
        globalThis.connections.push(this)
      }
    }
  })
  const page = await context.newPage()
  windows.push({ name, page })
  page.on('pageerror', (e) => faults.push(`${name}: ${e.stack ?? e}`))
  page.on('console', (m) => {
    if (m.type() === 'error' && !harmless.some((h) => h.test(m.text()))) faults.push(`${name}: console: ${m.text()}`)
  })
  await page.goto(origin + path)
  return page
}

/** centre opens the desk's page at the size of a usual screen. */
export async function centre(size = { width: 1920, height: 1080 }, more = {}, path = '/') {
  const b = await launch()
  return enter('centre', await b.newContext({ viewport: size, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', ...more }), path)
}

/** field opens the handheld's page on a phone that knows where it is. */
export async function field(geolocation, more = {}) {
  const b = await launch()
  const context = await b.newContext({
    viewport: { width: 360, height: 800 }, hasTouch: true, isMobile: true, locale: 'zh-CN', timezoneId: 'Asia/Shanghai',
    geolocation, permissions: ['geolocation', 'camera', 'microphone'], ...more,
  })
  return enter('field', context, '/field/')
}

export async function signIn(page, account, password = task.password) {
  await page.getByLabel('账号').fill(account)
  await page.getByLabel('密码').fill(password)
  await page.getByRole('button', { name: '登录', exact: true }).click()
}

/**
 * goOnDuty presses the switch and takes a few steps: a browser that is told
 * where it is keeps the time at which it was told, and what was before the duty
 * is nobody's business.
 */
export async function goOnDuty(phone, { latitude, longitude, accuracy }) {
  await phone.getByRole('button', { name: '现在上岗' }).click()
  await phone.getByText('保持在岗，新任务会响铃并振动。').waitFor()
  let steps = 0
  const walk = () => phone.context().setGeolocation({ latitude: latitude + (steps++ % 2) * 2e-5, longitude, accuracy })
  await walk()
  const walking = setInterval(() => walk().catch(() => clearInterval(walking)), 3_000)
}

/** shoot takes a photo for a step and keeps it. */
export async function shoot(phone, name) {
  await phone.getByRole('button', { name }).click()
  await phone.getByRole('dialog').locator('video').evaluate((v) => new Promise((seen) => { v.videoWidth ? seen() : v.addEventListener('loadeddata', seen) }))
  await phone.getByRole('button', { name: '拍照', exact: true }).last().click()
  await phone.getByRole('button', { name: '使用照片' }).click()
}

/** ask calls the API as who is signed in on a page. */
export function ask(page, method, path, body) {
  return page.evaluate(async ([method, path, body]) => {
    const answer = await fetch(path, { method, body: body && JSON.stringify(body), headers: body ? { 'Content-Type': 'application/json' } : {} })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }, [method, path, body])
}

/** eventually waits until a question has a truthy answer, and gives it. What was asked in time counts, however long the answer took. */
export async function eventually(what, question, limit = patience) {
  for (const end = Date.now() + limit; ;) {
    const late = Date.now() > end
    const answer = await question()
    if (answer) return answer
    if (late) throw new Error(`not within ${limit / 1000} s: ${what}`)
    await new Promise((next) => setTimeout(next, 250))
  }
}

/** play runs a flow, keeps pictures when it fails, and ends the process. */
export async function play(flow) {
  try {
    await flow()
  } catch (e) {
    faults.push(e.stack ?? String(e))
  }
  for (const f of faults) console.log('FAULT', f)
  if (faults.length) await Promise.all(windows.map(({ name, page }) => page.screenshot({ path: `${task.shots}/${name}.png` }).catch(() => undefined)))
  await browser?.close()
  process.exit(faults.length ? 1 : 0)
}
