import { createApp } from 'vue'
import '@/shared/tokens.css'
import './public.css'
import App from './App.vue'

createApp(App).mount('#app')

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  navigator.serviceWorker.register('/p/sw.js', { scope: '/p/' }).catch(() => undefined) // without it the page needs a network to start
}
