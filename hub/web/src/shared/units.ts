// Units as people write them. The wire speaks UCUM-like codes.
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
