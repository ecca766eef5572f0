import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import type { Plugin } from 'vite'

/**
 * Writes a face's sw.js: the worker in src/shared/sw.js with the list of files
 * that its page needs to start without a network. Its version is a hash
 * of that list, so that a new build replaces the old cache.
 */
export function faceServiceWorker(source: string, face: string, ...more: string[]): Plugin {
  return {
    name: `${face}-service-worker`,
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = faceFiles(bundle, face).map((f) => '/' + f)
      const list = [`/${face}/`, ...more, ...files].sort()
      const version = createHash('sha256').update(list.join('\n')).digest('hex').slice(0, 12)
      const code = readFileSync(source, 'utf8')
        .replace("'@face@'", JSON.stringify(face))
        .replace("'@version@'", JSON.stringify(version))
        .replace("['@files@']", JSON.stringify(list))
      this.emitFile({ type: 'asset', fileName: `${face}/sw.js`, source: code })
    },
  }
}

type Bundle = Parameters<Extract<Plugin['generateBundle'], (...args: never[]) => unknown>>[1]

/** The chunks that a face's entry reaches, with their styles and assets. */
function faceFiles(bundle: Bundle, face: string): string[] {
  const wanted = new Set<string>()
  const visit = (file: string) => {
    const part = bundle[file]
    if (!part || wanted.has(file)) return
    wanted.add(file)
    if (part.type !== 'chunk') return
    for (const next of [...part.imports, ...part.dynamicImports]) visit(next)
    for (const asset of [...(part.viteMetadata?.importedCss ?? []), ...(part.viteMetadata?.importedAssets ?? [])]) visit(asset)
  }
  for (const [file, part] of Object.entries(bundle)) {
    if (part.type === 'chunk' && part.isEntry && part.facadeModuleId?.includes(`/${face}/`)) visit(file)
  }
  return [...wanted]
}
