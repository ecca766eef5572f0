import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { en } from './en'
import { zh } from './zh'

type Tree = { [key: string]: string | Tree }

function keys(tree: Tree, path = ''): string[] {
  return Object.entries(tree).flatMap(([k, v]) => (typeof v === 'string' ? [path + k] : keys(v, `${path}${k}.`)))
}

function text(tree: Tree, path: string): string {
  return path.split('.').reduce<string | Tree>((t, k) => (t as Tree)[k] ?? '', tree) as string
}

const holes = (s: string) => (s.match(/\{\w+\}/g) ?? []).sort().join()

it('says everything in both languages, with the same blanks to fill', () => {
  expect(keys(en as Tree)).toEqual(keys(zh as Tree))
  for (const k of keys(zh as Tree)) expect([k, holes(text(en as Tree, k))]).toEqual([k, holes(text(zh as Tree, k))])
})

it('has a word for every kind and metric of the shipped profiles', () => {
  const folder = fileURLToPath(new URL('../../../../../configs/profiles/', import.meta.url))
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.yaml'))) {
    const profile = readFileSync(folder + file, 'utf8')
    expect(Object.keys(zh.kind)).toContain(/^kind: (\S+)/m.exec(profile)?.[1])
    for (const [, metric] of profile.matchAll(/^ {2}- name: (\S+)/gm)) expect(Object.keys(zh.metric)).toContain(metric)
  }
})

it('has a word for every limit of the shipped matters', () => {
  const folder = fileURLToPath(new URL('../../../../../configs/matters/', import.meta.url))
  const names = readdirSync(folder).filter((f) => f.endsWith('.yaml')).flatMap((f) => [...readFileSync(folder + f, 'utf8').matchAll(/^ {2}- \{name: ([a-z-]+), from/gm)].map((m) => m[1] ?? ''))
  expect(names.length).toBeGreaterThan(36)
  expect(names.filter((n) => !(n in zh.clock))).toEqual([])
})

it('has a word for every event of a case', () => {
  const source = readFileSync(fileURLToPath(new URL('../../../../tasks/event.go', import.meta.url)), 'utf8')
  const events = [...source.matchAll(/^\t\w+\s+EventType = "([a-z]+)"/gm)].map((m) => m[1] ?? '')
  expect(events.length).toBeGreaterThan(35)
  expect(events.filter((e) => !(e in zh.event))).toEqual([])
})

it('has a word for every reason of the dispatcher', () => {
  const source = readFileSync(fileURLToPath(new URL('../../../../dispatch/suggest.go', import.meta.url)), 'utf8')
  const codes = [...source.matchAll(/^\t[A-Z]\w+ += "([a-z-]+)"/gm)].map((m) => m[1] ?? '')
  expect(codes.length).toBeGreaterThan(10)
  expect(codes.filter((c) => !(c in zh.reason) && !(c in zh.excluded))).toEqual([])
})

it('has a word for every act in the audit log, and for what is told of it', () => {
  const hub = fileURLToPath(new URL('../../../../', import.meta.url))
  const files = readdirSync(hub, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.go') && !f.endsWith('_test.go') && !f.startsWith('web/'))
  const acts = files.flatMap((f) => [...readFileSync(hub + f, 'utf8').matchAll(/(?:\bAct: |\bact\w*\(ctx, |\bAudit\(ctx, who, |^\s+"[a-z-]+":\s+\{name: )"([a-z-]+\.[a-z-]+)"/gm)].map((m) => m[1] ?? ''))
  expect(acts.length).toBeGreaterThan(40)
  expect(acts.filter((a) => text(zh as Tree, `act.${a}`) === '')).toEqual([])
  const keys = [...readFileSync(`${hub}api/acts.go`, 'utf8').matchAll(/[{ ]"(\w+)": (?!\{)/g)].map((m) => m[1] ?? '')
  expect(keys.length).toBeGreaterThan(15)
  expect(keys.filter((k) => k !== 'failed' && !(k in zh.auditKey))).toEqual([])
})
