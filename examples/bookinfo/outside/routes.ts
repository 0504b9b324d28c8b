// outside: a bookseller's API as somebody else might run it, slow when asked to be.
import { setTimeout as delay } from 'node:timers/promises'
import { jsonReply, type Route } from '../service/http-service.ts'

const LONGEST_DELAY_SECONDS = 10

export const OUTSIDE_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', handler: () => jsonReply(200, { title: 'The Comedy of Errors', inStock: 3 }) },
  {
    method: 'GET',
    path: '/delay/:seconds',
    handler: async request => {
      const seconds = Math.min(Number(request.params['seconds']) || 0, LONGEST_DELAY_SECONDS)
      await delay(seconds * 1000)
      return jsonReply(200, { waited: seconds })
    },
  },
]
