import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { faceServiceWorker } from './build/serviceworker'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// The open page stands on phones that nobody keeps up to date: it is built by
// itself, for WebViews from 2018 on, and shares no chunk with the other faces.
export default defineConfig({
  plugins: [vue(), faceServiceWorker(at('src/shared/sw.js'), 'p')],
  resolve: { alias: { '@': at('src') } },
  publicDir: false,
  build: {
    target: 'chrome64',
    assetsInlineLimit: 0,
    emptyOutDir: false,
    modulePreload: false,
    rollupOptions: {
      input: { public: at('p/index.html') },
      output: { assetFileNames: 'p/assets/[name]-[hash][extname]', chunkFileNames: 'p/assets/[name]-[hash].js', entryFileNames: 'p/assets/[name]-[hash].js' },
    },
  },
})
