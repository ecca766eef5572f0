import { computed, onMounted, onUnmounted, shallowRef, watch, type Ref } from 'vue'
import { hubNow, now } from '@/shared/clock'
import { isPlace } from '@/shared/geo'
import { useWords } from '@/shared/i18n'
import type { Health } from '@/shared/map/symbols'
import { scale, token } from '@/shared/map/style'
import { useTheme } from '@/shared/prefs'
import { span } from '@/shared/time'
import { useReading } from '@/shared/units'
import { useCameras } from '../state/cameras'
import { useNames } from '../state/names'
import { useSelection } from '../state/selection'
import { useTrack } from '../state/track'
import { useWorld } from '../state/world'
import type { Board } from './board'
import { cameraFeature, caseFeature, collection, deviceFeature, line, personFeature, point, routeFeatures, trackFeatures } from './features'
import { Motion } from './motion'

const frame = 125 // ms between two drawings of walking people: eight a second

/** useBoard keeps the map in step with the world. */
export function useBoard(container: Ref<HTMLElement | null>) {
  const world = useWorld()
  const names = useNames()
  const { cameras, of } = useCameras()
  const say = useReading()
  const { t, locale } = useWords()
  const { select, selected } = useSelection()
  const { track, progress } = useTrack()
  const theme = useTheme('dark')
  const board = shallowRef<Board | null>(null)
  const unsupported = shallowRef(false)
  const motion = new Motion()
  const label = computed(() => (locale.value === 'en' ? 'name_en' : 'name_zh'))

  const inks = (): Record<Health, string> => ({ fresh: token('text-2'), stale: token('stale'), fault: token('new'), unknown: token('stale'), hazard: token('alarm'), service: token('wait'), removed: token('stale') })

  function drawSlow(): void {
    const b = board.value
    if (!b) return
    const at = hubNow()
    b.draw('cases', collection(world.openCases.value.flatMap((c) => caseFeature(c, at, scale()) ?? [])))
    const ink = inks()
    b.draw('devices', collection([...world.devices.values()].flatMap((d) => deviceFeature(d, at, ink, say, selected.value?.id === d.id) ?? [])))
    b.draw('cameras', collection(cameras.value.flatMap((c) => cameraFeature(c) ?? [])))
    drawPeople(true)
  }

  function drawPeople(force = false): void {
    const b = board.value
    const at = performance.now()
    if (!b || (!force && !motion.moving(at))) return
    const people = world.onDuty.value.flatMap((p) => {
      const where = motion.where(p.id, at)
      return where ? [personFeature(p.live, where, { number: names.number(p.id), name: names.person(p.id) }, hubNow())] : []
    })
    b.draw('people', collection(people))
    b.draw('trails', collection([...motion.trails(at)].flatMap(fading)))
    drawChosen()
  }

  function chosenPlace(): [number, number] | undefined {
    const s = selected.value
    if (!s) return undefined
    if (s.kind === 'person') return motion.where(s.id, performance.now())
    const place = s.kind === 'case' ? world.cases.get(s.id)?.place : s.kind === 'camera' ? of(s.id)?.place : world.devices.get(s.id)?.place
    return isPlace(place) ? [place.lon, place.lat] : undefined
  }

  function drawChosen(): void {
    const at = chosenPlace()
    board.value?.draw('chosen', collection(at ? [point(at[0], at[1], {})] : []))
  }

  function drawTrack(): void {
    const { lines, stays } = track.value ? trackFeatures(track.value, (ms) => span(t, ms)) : { lines: [], stays: [] }
    board.value?.draw('track', collection(lines))
    board.value?.draw('stays', collection(stays))
    board.value?.draw('routes', collection(progress.value ? routeFeatures(progress.value) : []))
  }

  async function open(): Promise<void> {
    const s = world.street.value
    if (!container.value || !s) return
    try {
      const { Board } = await import('./board')
      board.value = await Board.open(container.value, {
        ground: world.land.value ?? collection([]), grids: world.grids.value ?? collection([]), roads: world.roads.value ?? collection([]), label: label.value,
        bounds: s.bounds ?? [],
      }, select)
    } catch {
      unsupported.value = true
    }
    motion.learn(world.people.values(), performance.now())
    drawSlow()
    drawTrack()
    lookAtChosen()
  }

  function lookAtChosen(): void {
    const at = chosenPlace()
    if (at) board.value?.look({ lon: at[0], lat: at[1] })
  }

  onMounted(open)
  const walking = setInterval(() => drawPeople(), frame)
  onUnmounted(() => {
    clearInterval(walking)
    board.value?.close()
  })
  watch(() => [...world.people.values()].map((p) => p.live), () => motion.learn(world.people.values(), performance.now()))
  watch(now, (at, before) => { if (Math.floor(at / 3000) !== Math.floor(before / 3000)) drawSlow() })
  watch([() => world.cases.size, () => world.hazards.size, cameras], drawSlow)
  watch(selected, () => {
    lookAtChosen()
    drawSlow()
  })
  watch([track, progress], drawTrack)
  watch([theme, label], async () => {
    await board.value?.redress(label.value)
    drawSlow()
    drawTrack()
  })

  const alarms = computed(() => [...world.calling.value.cries, ...world.calling.value.hazards].filter((x) => isPlace(x.place)))
  return { board, unsupported, alarms }
}

/** fading cuts a trail into pieces that grow fainter with age. */
function fading(trail: [number, number][]): GeoJSON.Feature[] {
  return trail.slice(1).map((to, i) => line([trail[i] as [number, number], to], { fade: ((i + 1) / trail.length) * 0.5 }))
}
