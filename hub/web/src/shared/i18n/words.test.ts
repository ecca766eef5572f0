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
