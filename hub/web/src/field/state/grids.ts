import { shallowRef } from 'vue'
import { useWords } from '@/shared/i18n'
import { nothing, type Collection } from '@/shared/map/style'
import { ApiError } from '@/shared/api/client'
import { fresh } from './phone'

const grids = shallowRef<Collection>(nothing)
const roads = shallowRef<Collection>(nothing)
const ground = shallowRef<Collection>(nothing)
let asked = false

async function geojson(path: string): Promise<Collection> {
  const answer = await fetch(path).catch((e: Error) => { throw new ApiError(0, e.message) })
  if (!answer.ok) throw new ApiError(answer.status, answer.statusText)
  return (await answer.json()) as Collection
}

async function load(): Promise<void> {
  asked = true
  grids.value = (await fresh('grids', () => geojson('/api/v1/grids')).catch(() => undefined)) ?? nothing
  roads.value = (await fresh('roads', () => geojson('/api/v1/roads')).catch(() => undefined)) ?? nothing
  ground.value = (await fresh('ground', () => geojson('/api/v1/ground')).catch(() => undefined)) ?? nothing
}

/** useGrids is the ground: the names of the grids, and the lines of the small map. */
export function useGrids() {
  const { locale } = useWords()
  if (!asked) void load()
  const gridName = (code: string | undefined) => {
    const p = grids.value.features.find((f) => f.properties?.code === code)?.properties
    return String((locale.value === 'en' ? p?.name_en : p?.name_zh) ?? code ?? '')
  }
  return { grids, roads, ground, gridName }
}
