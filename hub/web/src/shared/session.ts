import { computed, readonly, ref } from 'vue'
import { ApiError, api, take } from './api/client'
import type { Me } from './api/types'

export type SessionState = 'loading' | 'setup' | 'signed-out' | 'signed-in' | 'unreachable'

const state = ref<SessionState>('loading')
const me = ref<Me | null>(null)

async function load(): Promise<void> {
  try {
    const setup = await take(api.GET('/api/v1/setup'))
    if (setup.needed) {
      state.value = 'setup'
      return
    }
    me.value = await take(api.GET('/api/v1/me'))
    state.value = 'signed-in'
  } catch (e) {
    const refused = e instanceof ApiError && (e.status === 401 || e.status === 403)
    state.value = refused ? 'signed-out' : 'unreachable'
  }
}

/** signIn throws an ApiError of code second-factor where a code is wanted too. */
async function signIn(account: string, password: string, code = ''): Promise<void> {
  me.value = await take(api.POST('/api/v1/session', { body: { account, password, code: code || undefined } }))
  state.value = 'signed-in'
}

async function signOut(): Promise<void> {
  await take(api.DELETE('/api/v1/session')).catch(() => undefined) // the cookie may be gone already
  me.value = null
  state.value = 'signed-out'
}

async function claim(token: string, account: string, password: string): Promise<void> {
  await take(api.POST('/api/v1/setup', { body: { token, account, password } }))
  await signIn(account, password)
}

/** expire is called by whoever is told 401: the session ended at the hub. */
function expire(): void {
  state.value = 'signed-out'
}

/** resume signs a person in whom this handheld remembers, when the hub cannot be asked. */
function resume(known: Me): void {
  me.value = known
  state.value = 'signed-in'
}

const roles = computed(() => me.value?.roles ?? [])
const may = (...wanted: string[]) => wanted.some((r) => roles.value.includes(r))

/** useSession is who is signed in on this page; one per page. */
export function useSession() {
  return { state: readonly(state), me: readonly(me), may, load, signIn, signOut, claim, expire, resume }
}
