// The way of the person who is looked at, and the route that is looked at.
import { readonly, shallowRef } from 'vue'
import { api, take } from '@/shared/api/client'
import type { Progress, Track } from '@/shared/api/types'

const track = shallowRef<Track | null>(null)
const progress = shallowRef<Progress | null>(null)
let wanted = ''

async function load(person: string): Promise<void> {
  wanted = person
  track.value = null
  const answer = await take(api.GET('/api/v1/people/{person}/track', { params: { path: { person } } }))
  if (wanted === person) track.value = answer
}

export function useTrack() {
  return {
    track: readonly(track) as Readonly<typeof track>, progress, load,
    clear: () => { wanted = ''; track.value = null },
  }
}
