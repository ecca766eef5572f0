import { createApp } from 'vue'
import { api } from '@/shared/api/client'
import { hearHubClock } from '@/shared/clock'
import { i18n } from '@/shared/i18n'
import '@/shared/tokens.css'
import '@/shared/base.css'
import App from './App.vue'

api.use({ onResponse: ({ response }) => hearHubClock(response.headers.get('Date')) })

createApp(App).use(i18n).mount('#app')

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  void navigator.serviceWorker.register('/field/sw.js', { scope: '/field/' })
}
