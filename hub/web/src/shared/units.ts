// Units and readings as people write them. The wire speaks UCUM-like codes.
import { useWords } from './i18n'

const written: Record<string, string> = {
  Cel: '°C', 'ug/m3': 'µg/m³', 'mg/m3': 'mg/m³', 'm3/h': 'm³/h', 'kW.h': 'kWh', 'dB(A)': 'dB(A)', '%LEL': '%LEL', deg: '°', 'm/s': 'm/s', '1': '',
}

export function unit(code: string): string {
  return written[code] ?? code
}

/** figure rounds a value to what can be read at a glance: three or four digits. */
export function figure(value: number): string {
  const size = Math.abs(value)
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value))
  return String(Number(value.toFixed(size >= 10 ? 1 : 2)))
}

/** What is there or not is told in words: nobody reads a 0 as "no smoke". */
const flags = ['smoke', 'flooded', 'fault', 'fix', 'sos', 'power-low', 'power-cut']

/** useReading says a value: its figure and its unit, or whether a thing is there, or a dash for none. */
export function useReading() {
  const { t, word } = useWords()
  return (metric: string, value: number | null | undefined, code: string): { figure: string; unit: string } => {
    if (value === null || value === undefined) return { figure: '—', unit: '' }
    if (flags.includes(metric)) return { figure: t(value ? 'device.yes' : 'device.no', { what: word('metric', metric) }), unit: '' }
    return { figure: figure(value), unit: unit(code) }
  }
}
