// The control plane's REST API: one request, one JSON answer, and errors that are one clear line.
import type { Problem } from '../../base/problem.ts'
import { CommandFailure } from '../contract/command-failure.ts'

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly problems: readonly Problem[]

  constructor(status: number, code: string, message: string, problems: readonly Problem[]) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.problems = problems
  }
}

/** Nothing answers at the API's address. */
export class ApiUnreachable extends CommandFailure {}

export interface ApiClientOptions {
  readonly baseUrl: string
  /** Operator token; empty: none. */
  readonly token: string
  readonly fetch: typeof fetch
  /** Said when nothing answers. */
  readonly whenUnreachable: string
  readonly timeoutMs: number
}

export class ApiClient {
  readonly baseUrl: string
  readonly #options: ApiClientOptions

  constructor(options: ApiClientOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.#options = options
  }

  get<T>(path: string, timeoutMs?: number): Promise<T> {
    return this.#request<T>('GET', path, undefined, timeoutMs)
  }

  put<T>(path: string, body: unknown, timeoutMs?: number): Promise<T> {
    return this.#request<T>('PUT', path, body, timeoutMs)
  }

  post<T>(path: string, body: unknown = {}, timeoutMs?: number): Promise<T> {
    return this.#request<T>('POST', path, body, timeoutMs)
  }

  delete<T>(path: string, timeoutMs?: number): Promise<T> {
    return this.#request<T>('DELETE', path, undefined, timeoutMs)
  }

  /** Rejects with ApiUnreachable when nothing answers, with ApiError when the answer is an error. */
  async #request<T>(method: string, path: string, body: unknown, timeoutMs = this.#options.timeoutMs): Promise<T> {
    const headers: Record<string, string> = { accept: 'application/json' }
    if (body !== undefined) headers['content-type'] = 'application/json'
    if (this.#options.token !== '') headers['authorization'] = `Bearer ${this.#options.token}`
    let response: Response
    let text: string
    try {
      response = await this.#options.fetch(this.baseUrl + path, {
        method,
        headers,
        signal: AbortSignal.timeout(timeoutMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      text = await response.text()
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') {
        throw new ApiUnreachable(`${this.baseUrl} did not answer within ${timeoutMs / 1000} s`)
      }
      throw new ApiUnreachable(this.#options.whenUnreachable)
    }
    if (!response.ok) throw apiError(response.status, text, `${method} ${path}`)
    return parseAnswer<T>(text, this.baseUrl + path)
  }
}

function parseAnswer<T>(text: string, url: string): T {
  if (text === '') return undefined as T
  try {
    return JSON.parse(text) as T
  } catch {
    throw new CommandFailure(`what answers at ${url} is not Weft's API: no JSON`)
  }
}

function apiError(status: number, text: string, call: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string; problems?: Problem[] } }
    if (typeof error?.message === 'string') {
      return new ApiError(status, error.code ?? '', error.message, error.problems ?? [])
    }
  } catch {
    // Not the API's form: said below by status alone.
  }
  return new ApiError(status, '', `${call} was answered ${status}`, [])
}
