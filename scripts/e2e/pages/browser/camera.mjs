// The desk looks through cameras: pictures that move, a fault in plain words, and
// a snapshot that becomes evidence.
import { judge } from './judge.mjs'
import { centre, must, play, say, signIn, task } from './stage.mjs'

/** decoded counts the pictures that a video has shown. */
const decoded = (page) => page.locator('aside.focus video').evaluate((v) => v.getVideoPlaybackQuality().totalVideoFrames)

async function moves(page, what) {
  await page.waitForFunction(() => {
    const v = document.querySelector('aside.focus video')
    return v && v.videoWidth > 0 && v.getVideoPlaybackQuality().totalVideoFrames > 30
  })
  const before = await decoded(page)
  await page.waitForTimeout(1000)
  must((await decoded(page)) > before + 10, `${what}: the picture moves`)
}

await play(async () => {
  const desk = await centre({ width: 1920, height: 1080 }, { reducedMotion: 'reduce' }, '/#/map/camera/bridge')
  await signIn(desk, 'desk')
  const focus = desk.locator('aside.focus')
  await moves(desk, 'a camera on the map')
  await focus.getByText('实时').first().waitFor()
  await judge(desk, 'a camera')
  await desk.screenshot({ path: `${task.shots}/camera.png` })

  await desk.goto(`${task.url}/#/map/camera/gate`)
  await moves(desk, 'a camera with a password')

  await desk.goto(`${task.url}/#/map/camera/market`)
  await focus.getByText('请关闭 B 帧').first().waitFor()
  await desk.screenshot({ path: `${task.shots}/camera-fault.png` })
  must(true, 'a camera that cannot be shown says which setting to change')

  const made = await desk.evaluate(async () => {
    const r = await fetch('/api/v1/cases', { method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: 'report-for-the-camera', matter: 'CG02', source: 'desk', place: { lon: 120.1601, lat: 30.2750 } }) })
    return r.json()
  })
  await desk.goto(`${task.url}/#/map/case/${made.id}`)
  const near = focus.getByRole('button', { name: '桐声巷桥头' })
  await near.click()
  await moves(desk, 'the camera near a case')
  await focus.getByRole('button', { name: '截图存证' }).click()
  await focus.getByText('截图已存入本案证据').waitFor()
  await focus.locator('.strip img').first().waitFor()
  const size = await focus.locator('.strip img').first().evaluate(async (i) => { await i.decode(); return [i.naturalWidth, i.naturalHeight] })
  must(size[0] > 50 && size[1] > 40, `the snapshot is a picture (${size})`)
  await desk.screenshot({ path: `${task.shots}/camera-case.png` })
  say('done')
})
