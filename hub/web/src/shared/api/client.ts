import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

type Problem = components['schemas']['ErrorModel']

/** An answer of the hub that is not success. Status 0: there was no answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly code = '',
  ) {
    super(detail)
  }
  /** Whether the same request may succeed later without any change. */
  get retry(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500
  }
}

export const api = createClient<paths>({ baseUrl: '/' , credentials: 'same-origin' })

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** take returns the body of an answer or throws an ApiError. */
export async function take<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await request
  } catch (cause) {
    throw new ApiError(0, cause instanceof Error ? cause.message : String(cause))
  }
  if (answer.response.ok) return answer.data as T
  const problem = (answer.error ?? {}) as Problem
  throw new ApiError(answer.response.status, problem.detail ?? answer.response.statusText, problem.errors?.[0]?.message ?? '')
}

/** list is take for answers that may be null instead of empty. */
export async function list<T>(request: Promise<Answer<T[] | null>>): Promise<T[]> {
  return (await take(request)) ?? []
}
