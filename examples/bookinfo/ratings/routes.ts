// ratings: how many stars each reviewer gave; POST sets them, for as long as the process lives.
import { jsonReply, type Route } from '../service/http-service.ts'
import { parseProductId } from '../service/product-id.ts'

const MAX_PRODUCTS = 1000

export function createRatingsRoutes(): readonly Route[] {
  const given = new Map<number, Readonly<Record<string, number>>>()
  const ratingsOf = (id: number) => ({ id, ratings: given.get(id) ?? { Reviewer1: 5, Reviewer2: 4 } })
  return [
    { method: 'GET', path: '/health', handler: () => jsonReply(200, { status: 'Ratings is healthy' }) },
    {
      method: 'GET',
      path: '/ratings/:id',
      handler: request => {
        const id = parseProductId(request.params['id'])
        return id === null ? NOT_NUMERIC : jsonReply(200, ratingsOf(id))
      },
    },
    {
      method: 'POST',
      path: '/ratings/:id',
      handler: request => {
        const id = parseProductId(request.params['id'])
        if (id === null) return NOT_NUMERIC
        const ratings = parseRatings(request.body)
        if (ratings === null) return jsonReply(400, { error: 'please provide valid ratings JSON' })
        if (!given.has(id) && given.size >= MAX_PRODUCTS) return jsonReply(507, { error: 'too many products' })
        given.set(id, ratings)
        return jsonReply(200, ratingsOf(id))
      },
    },
  ]
}

const NOT_NUMERIC = jsonReply(400, { error: 'please provide numeric product ID' })

function parseRatings(text: string): Record<string, number> | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  const stars = Object.values(value)
  return stars.every(count => Number.isInteger(count) && count >= 0 && count <= 5)
    ? (value as Record<string, number>)
    : null
}
