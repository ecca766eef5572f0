import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { faceServiceWorker } from './build/serviceworker'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// A worker's script is served by the service worker within whose scope it lies:
// the map's worker must lie below /field/ to start without a network.
const folder = (name: string) => (name.includes('csp-worker') ? 'field/assets' : 'assets')

// GRIDHUB_DEV names a running hub for `npm run dev`.
const hub = process.env.GRIDHUB_DEV ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [vue(), faceServiceWorker(at('src/shared/sw.js'), 'field', '/field/manifest.webmanifest', '/field/icon-192.png')],
  resolve: { alias: { '@': at('src') } },
  define: { __VUE_I18N_FULL_INSTALL__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy allows no data: fonts or scripts
    chunkSizeWarningLimit: 1500,
    emptyOutDir: false, // keeps .keep; scripts below dist/assets are removed by prebuild
    rollupOptions: {
      input: { centre: at('index.html'), field: at('field/index.html') },
      output: { assetFileNames: ({ names }) => `${folder(names[0] ?? '')}/[name]-[hash][extname]` },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': { target: hub, ws: true }, '/mqtt': { target: hub, ws: true } },
  },
})
