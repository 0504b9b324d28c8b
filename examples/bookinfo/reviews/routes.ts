// reviews: what two readers say of the book. v1 says it without stars, v2 asks ratings and gives black ones, v3 red ones.
import { forwardHeaders } from '../service/forward-headers.ts'
import { type Answer, get } from '../service/http-client.ts'
import { jsonReply, type Request, type Route } from '../service/http-service.ts'
import { parseProductId } from '../service/product-id.ts'

export interface ReviewsOptions {
  readonly version: string
  /** Who answers, as the page shows it: the name of the instance. */
  readonly instance: string
  readonly cluster: string
  readonly ratingsUrl: string
  readonly get: (url: string, headers: Readonly<Record<string, string>>, timeoutMs: number) => Promise<Answer>
}

interface Rating {
  readonly stars?: number
  readonly color?: string
  readonly error?: string
}

const REVIEWS = [
  { reviewer: 'Reviewer1', text: 'An extremely entertaining play by Shakespeare. The slapstick humour is refreshing!' },
  {
    reviewer: 'Reviewer2',
    text: 'Absolutely fun and entertaining. The play lacks thematic depth when compared to other plays by Shakespeare.',
  },
] as const

/** v3 waits less than v2 for its stars: the fault-injection exercise everybody knows turns on it. */
const RATINGS_TIMEOUT_MS: Readonly<Record<string, number>> = { black: 10_000, red: 2_500 }

export function createReviewsRoutes(options: ReviewsOptions): readonly Route[] {
  return [
    { method: 'GET', path: '/health', handler: () => jsonReply(200, { status: 'Reviews is healthy' }) },
    { method: 'GET', path: '/reviews/:id', handler: request => answerReviews(options, request) },
  ]
}

export function reviewsOptions(env: NodeJS.ProcessEnv): ReviewsOptions {
  return {
    version: env['SERVICE_VERSION'] ?? 'v1',
    instance: env['HOSTNAME'] ?? 'unknown',
    cluster: env['CLUSTER_NAME'] ?? 'null',
    ratingsUrl: env['RATINGS_URL'] ?? 'http://ratings:9080',
    get,
  }
}

async function answerReviews(options: ReviewsOptions, request: Request) {
  const id = parseProductId(request.params['id'])
  if (id === null) return jsonReply(400, { error: 'please provide numeric product id' })
  const ratings = options.version === 'v1' ? null : await rate(options, id, request)
  return jsonReply(200, {
    id: String(id),
    podname: options.instance,
    clustername: options.cluster,
    reviews: REVIEWS.map(review => (ratings === null ? review : { ...review, rating: ratings(review.reviewer) })),
  })
}

async function rate(options: ReviewsOptions, id: number, request: Request): Promise<(reviewer: string) => Rating> {
  const color = options.version === 'v2' ? 'black' : 'red'
  const url = `${options.ratingsUrl}/ratings/${id}`
  try {
    const answer = await options.get(url, forwardHeaders(request.headers), RATINGS_TIMEOUT_MS[color] ?? 0)
    if (answer.status !== 200) throw new Error(`status ${answer.status}`)
    const { ratings } = JSON.parse(answer.body) as { ratings: Readonly<Record<string, number>> }
    return reviewer => {
      const stars = ratings[reviewer]
      return stars === undefined ? UNAVAILABLE : { stars, color }
    }
  } catch (error) {
    console.error(`no ratings from ${url}: ${error instanceof Error ? error.message : error}`)
    return () => UNAVAILABLE
  }
}

const UNAVAILABLE: Rating = { error: 'Ratings service is currently unavailable' }
