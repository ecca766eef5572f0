import { readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import type { Plugin } from 'vite'

/**
 * Writes field/sw.js: the worker in src/field/sw.js with the list of files
 * that the field page needs to start without a network. Its version is a hash
 * of that list, so that a new build replaces the old cache.
 */
export function fieldServiceWorker(source: string): Plugin {
  return {
    name: 'field-service-worker',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = fieldFiles(bundle).map((f) => '/' + f)
      const list = ['/field/', '/field/manifest.webmanifest', '/field/icon-192.png', ...files].sort()
      const version = createHash('sha256').update(list.join('\n')).digest('hex').slice(0, 12)
      const code = readFileSync(source, 'utf8')
        .replace("'@version@'", JSON.stringify(version))
        .replace("['@files@']", JSON.stringify(list))
      this.emitFile({ type: 'asset', fileName: 'field/sw.js', source: code })
    },
  }
}

type Bundle = Parameters<Extract<Plugin['generateBundle'], (...args: never[]) => unknown>>[1]

/** The chunks that the field entry reaches, with their styles and assets. */
function fieldFiles(bundle: Bundle): string[] {
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
    if (part.type === 'chunk' && part.isEntry && part.facadeModuleId?.includes('/field/')) visit(file)
  }
  return [...wanted]
}
