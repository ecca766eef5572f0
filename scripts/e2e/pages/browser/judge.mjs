// axe-core's judgement of a page, for every flow that shows one.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { must, say } from './stage.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const grave = ['serious', 'critical']

/** judge fails on what keeps somebody from using a page, in each of its two looks. */
export async function judge(page, name) {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe)
  const [what, ...looks] = name.startsWith('field') ? ['contrast', 'more', 'no'] : ['theme', 'light', 'dark']
  for (const value of looks) {
    const violations = await page.evaluate(look, [what, value])
    const bad = violations.filter((v) => grave.includes(v.impact))
    for (const v of bad) for (const n of v.nodes.slice(0, 4)) say('     ', v.id, n.target, n.why)
    const lesser = violations.filter((v) => !bad.includes(v)).map((v) => v.id)
    must(bad.length === 0, `${name}, ${what} ${value}: ${bad.length} grave violations, ${lesser.length} lesser ones ${lesser.join(' ')}`)
  }
}

async function look([what, value]) {
  document.documentElement.dataset[what] = value
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] })
  return violations.map((v) => ({
    id: v.id, impact: v.impact,
    nodes: v.nodes.map((n) => ({ target: n.target.join(' '), why: n.failureSummary?.split('\n').slice(1, 3).join(' ').trim() ?? '' })),
  }))
}
