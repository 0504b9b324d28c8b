// details: what is printed on the book's imprint.
import { jsonReply, type Route } from '../service/http-service.ts'
import { parseProductId } from '../service/product-id.ts'

export const DETAILS_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/health', handler: () => jsonReply(200, { status: 'Details is healthy' }) },
  {
    method: 'GET',
    path: '/details/:id',
    handler: request => {
      const id = parseProductId(request.params['id'])
      if (id === null) return jsonReply(400, { error: 'please provide numeric product id' })
      return jsonReply(200, {
        id,
        author: 'William Shakespeare',
        year: 1595,
        type: 'paperback',
        pages: 200,
        publisher: 'PublisherA',
        language: 'English',
        'ISBN-10': '1234567890',
        'ISBN-13': '123-1234567890',
      })
    },
  },
]
