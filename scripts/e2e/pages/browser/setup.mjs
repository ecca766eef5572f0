// The first start: nobody owns the hub yet.
import { ask, centre, must, play, say, signIn, task } from './stage.mjs'

const crew = Array.from({ length: 12 }, (_, i) => `p-${String(i + 1).padStart(3, '0')}`)

await play(async () => {
  const page = await centre({ width: 1366, height: 768 })
  await page.getByText('首次启动').waitFor()

  await page.getByLabel('一次性令牌').fill('no-such-token-at-all')
  await page.getByLabel('账号').fill('admin')
  await page.getByLabel('密码').fill(task.password)
  await page.getByRole('button', { name: '创建管理员' }).click()
  await page.getByText('令牌不对').waitFor()
  say('a wrong token is refused')

  await page.getByLabel('一次性令牌').fill(task.token)
  await page.getByRole('button', { name: '创建管理员' }).click()
  await page.getByText('澄湾街道').waitFor()
  say('the hub is claimed, the administrator sees the street')

  await ask(page, 'POST', '/api/v1/accounts', { name: 'desk', roles: ['dispatcher', 'checker'], password: task.password })
  for (const p of crew) await ask(page, 'POST', '/api/v1/accounts', { name: p, person: p, roles: ['handler'], password: task.password })
  const accounts = await ask(page, 'GET', '/api/v1/accounts')
  must(accounts.length === crew.length + 2, `${accounts.length} accounts`)

  await page.getByRole('button', { name: 'admin' }).click()
  await page.getByRole('menuitem', { name: '退出登录' }).click()
  await signIn(page, 'desk', 'not the password')
  await page.getByText('账号或密码不对').waitFor()
  await signIn(page, 'desk')
  await page.getByText('澄湾街道').waitFor()
  say('the dispatcher is signed in')
})
