import { shallowRef } from 'vue'
import { api, take } from '@/shared/api/client'
import type { Department } from '@/shared/api/types'
import { useWords } from '@/shared/i18n'
import { fresh } from './phone'

const departments = shallowRef<Department[]>([])
let asked = false

async function load(): Promise<void> {
  asked = true
  const street = await fresh('street', () => take(api.GET('/api/v1/street'))).catch(() => undefined)
  departments.value = street?.departments ?? []
}

/** useDepartments says what the departments are called. */
export function useDepartments() {
  const { name } = useWords()
  if (!asked) void load()
  const departmentName = (code: string) => name(departments.value.find((d) => d.code === code)?.name) || code
  return { departmentName }
}
