// The three services behind the page, each asked by name; what does not answer becomes a sentence for the reader.
import type { Answer } from '../service/http-client.ts'

export type Get = (url: string, headers: Readonly<Record<string, string>>, timeoutMs: number) => Promise<Answer>

/** `value` is what the service said, or `{ error }` where `status` is not 200. */
export interface BackendAnswer {
  readonly status: number
  readonly value: unknown
}

export interface BackendUrls {
  readonly details: string
  readonly reviews: string
  readonly ratings: string
}

export const BACKEND_URLS: BackendUrls = {
  details: process.env['DETAILS_URL'] ?? 'http://details:9080',
  reviews: process.env['REVIEWS_URL'] ?? 'http://reviews:9080',
  ratings: process.env['RATINGS_URL'] ?? 'http://ratings:9080',
}

const TIMEOUT_MS = 3000
/** As in the original, whose fault-injection exercise is built on it: reviews are asked twice, 3 s each. */
const ATTEMPTS: Readonly<Record<keyof BackendUrls, number>> = { details: 1, reviews: 2, ratings: 1 }

export async function ask(
  service: keyof BackendUrls,
  id: number,
  headers: Readonly<Record<string, string>>,
  options: { readonly get: Get; readonly urls: BackendUrls },
): Promise<BackendAnswer> {
  const url = `${options.urls[service]}/${service}/${id}`
  let status = 500
  for (let attempt = 0; attempt < ATTEMPTS[service]; attempt++) {
    try {
      const answer = await options.get(url, headers, TIMEOUT_MS)
      if (answer.status === 200) return { status: 200, value: JSON.parse(answer.body) as unknown }
      status = answer.status
    } catch (error) {
      console.error(`no answer from ${url}: ${error instanceof Error ? error.message : error}`)
      status = 500
    }
  }
  const what = service === 'details' ? 'product details' : `product ${service}`
  return { status, value: { error: `Sorry, ${what} are currently unavailable for this book.` } }
}
