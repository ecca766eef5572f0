import { onMounted, onUnmounted, watch, type Ref } from 'vue'
import type { ECharts } from 'echarts/core'
import type { Sample } from '@/shared/api/types'
import { scale, token } from '@/shared/map/style'
import { clock, exact } from '@/shared/time'

/** Mark is an instant from which on the curve speaks of another thing. */
export interface Mark { at: number; label: string }

export interface Curve { samples: Sample[]; unit: string; min?: number; max?: number; marks?: Mark[] }

/** useChart draws one metric over time into a box. ECharts stops here. */
export function useChart(box: Ref<HTMLElement | null>, curve: Ref<Curve | null>): void {
  let chart: ECharts | undefined
  let watcher: ResizeObserver | undefined

  const draw = () => {
    if (chart && curve.value) chart.setOption(option(curve.value), true)
    else chart?.clear()
  }

  onMounted(async () => {
    const { init } = await import('./echarts')
    if (!box.value) return
    chart = init(box.value)
    watcher = new ResizeObserver(() => chart?.resize())
    watcher.observe(box.value)
    draw()
  })
  watch(curve, draw)
  onUnmounted(() => {
    watcher?.disconnect()
    chart?.dispose()
  })
}

function option(c: Curve) {
  const s = scale()
  const faint = { color: token('text-3'), fontSize: 11 * s }
  const limits = [c.min, c.max].filter((v): v is number => v !== undefined && v !== 0)
  return {
    animation: false,
    grid: { left: 4, right: 8, top: 12 * s, bottom: 4, containLabel: true },
    xAxis: { type: 'time', axisLabel: { ...faint, formatter: (at: number) => clock(at), hideOverlap: true }, axisLine: { lineStyle: { color: token('line') } }, axisTick: { show: false } },
    yAxis: { type: 'value', scale: true, axisLabel: faint, splitLine: { lineStyle: { color: token('line') } }, splitNumber: 3 },
    tooltip: {
      trigger: 'axis', renderMode: 'richText', backgroundColor: token('raised'), borderColor: token('line-strong'), textStyle: { color: token('text'), fontSize: 12 * s },
      formatter: (rows: { value: [number, number] }[]) => (rows[0] ? `${exact(rows[0].value[0])}\n${rows[0].value[1]} ${c.unit}` : ''),
    },
    series: [{
      type: 'line', showSymbol: false, data: broken(c.samples, marked(c)), connectNulls: false, lineStyle: { width: 1.5 * s, color: token('accent') }, itemStyle: { color: token('accent') },
      markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: token('text-3'), type: 'dashed' }, data: [...limits.map((yAxis) => ({ yAxis })), ...marked(c).map((m) => ({
        xAxis: m.at, lineStyle: { color: token('wait'), type: 'solid' }, label: { show: true, formatter: m.label, color: token('text-2'), fontSize: 11 * s, position: 'insideEndTop' },
      }))] },
    }],
  }
}

/** marked are the marks within the curve. */
function marked(c: Curve): Mark[] {
  const [first, last] = [c.samples[0]?.at ?? 0, c.samples[c.samples.length - 1]?.at ?? 0]
  return (c.marks ?? []).filter((m) => m.at >= first && m.at <= last)
}

/**
 * broken puts a hole where readings are missing, and where another thing begins
 * to count: a line there would be invented.
 */
function broken(samples: Sample[], marks: Mark[]): [number, number | null][] {
  const steps = samples.slice(1).map((x, i) => x.at - (samples[i] as Sample).at).sort((a, b) => a - b)
  const usual = steps[Math.floor(steps.length / 2)] ?? 0
  return samples.flatMap((x, i): [number, number | null][] => {
    const before = samples[i - 1]
    const another = before && marks.some((m) => m.at > before.at && m.at <= x.at)
    const gap = before && usual && x.at - before.at > 3 * usual
    const hole: [number, number | null][] = gap || another ? [[(before?.at ?? 0) + Math.min(usual, 1), null]] : []
    return [...hole, [x.at, x.value]]
  })
}
