// The audit log as it is read: a page at a time, newest first.
import { ref, shallowRef } from 'vue'
import { api, list, take } from '@/shared/api/client'
import type { AuditChain, AuditLine } from '@/shared/api/types'
import { now } from '@/shared/clock'

export interface AuditFilter { who: string; act: string; subject: string; days: number }

const page = 50
const day = 86_400_000

/** A member of staff by number is a person, everything else an account. */
const isPerson = (who: string) => /^p-\d+$/.test(who)

export function useAudit() {
  const lines = shallowRef<AuditLine[] | null>(null)
  const more = ref(false)
  const failure = ref('')
  const chain = shallowRef<AuditChain | null>(null)
  const checking = ref(false)
  let asked = 0

  async function fetchPage(f: AuditFilter, before?: number): Promise<AuditLine[]> {
    const who = f.who.trim()
    return list(api.GET('/api/v1/audit', { params: { query: {
      account: who && !isPerson(who) ? who : undefined, person: isPerson(who) ? who : undefined, act: f.act || undefined,
      subject: f.subject.trim() || undefined, from: f.days ? Math.floor(now.value - f.days * day) : undefined, before, limit: page,
    } } }))
  }

  /** read shows what fits a filter, or what follows what is shown; an older answer never replaces a newer one. */
  async function read(f: AuditFilter, further = false): Promise<void> {
    const mine = ++asked
    try {
      const got = await fetchPage(f, further ? lines.value?.at(-1)?.n : undefined)
      if (mine !== asked) return
      lines.value = further ? [...(lines.value ?? []), ...got] : got
      more.value = got.length === page
      failure.value = ''
    } catch (e) {
      if (mine === asked) failure.value = e instanceof Error ? e.message : String(e)
    }
  }

  async function check(): Promise<void> {
    checking.value = true
    try {
      chain.value = await take(api.GET('/api/v1/audit/chain'))
    } catch (e) {
      failure.value = e instanceof Error ? e.message : String(e)
    }
    checking.value = false
  }

  return { lines, more, failure, chain, checking, read, check }
}
