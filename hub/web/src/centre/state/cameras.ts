// The street's cameras: where they stand and how they are.
import { shallowRef } from 'vue'
import { api, list } from '@/shared/api/client'
import type { Camera, Point } from '@/shared/api/types'
import { distance } from '@/shared/geo'
import { latest } from '@/shared/latest'

const cameras = shallowRef<Camera[]>([])
const read = latest(async () => { cameras.value = await list(api.GET('/api/v1/cameras')).catch(() => cameras.value) })

/** Cameras that may show a place, the nearest first: beyond this nothing is seen. */
const sight = 400 // metres

export function useCameras() {
  return {
    cameras, read,
    of: (id: string) => cameras.value.find((c) => c.id === id),
    near: (p: Point) => cameras.value.map((c) => ({ camera: c, metres: distance(p, c.place) })).filter((x) => x.metres <= sight)
      .sort((a, b) => a.metres - b.metres).slice(0, 3),
  }
}
