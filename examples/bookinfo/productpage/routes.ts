// productpage: the page that people see, the sign-in, and the REST API over the services behind it.
import { readFileSync } from 'node:fs'
import { forwardHeaders } from '../service/forward-headers.ts'
import { jsonReply, type Reply, type Request, type Route, textReply } from '../service/http-service.ts'
import { parseProductId } from '../service/product-id.ts'
import { ask, type BackendUrls, type Get } from './backends.ts'
import { renderIndex, renderProductPage } from './page.ts'
import { PRODUCTS } from './products.ts'
import { NO_SESSION_COOKIE, parseUserName, sessionCookie, userOf } from './session.ts'

export interface ProductPageOptions {
  readonly sessionSecret: string
  readonly urls: BackendUrls
  readonly get: Get
}

const asset = (name: string): string => readFileSync(new URL(`./static/${name}`, import.meta.url), 'utf8')

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
}

export function createProductPageRoutes(options: ProductPageOptions): readonly Route[] {
  const stylesheet = staticReply(asset('bookinfo.css'), 'text/css; charset=utf-8')
  const icon = staticReply(asset('book.svg'), 'image/svg+xml')
  const index: Reply = { status: 200, headers: PAGE_HEADERS, body: renderIndex() }
  return [
    { method: 'GET', path: '/', handler: () => index },
    { method: 'GET', path: '/index.html', handler: () => index },
    { method: 'GET', path: '/health', handler: () => textReply(200, 'Product page is healthy') },
    { method: 'GET', path: '/static/bookinfo.css', handler: () => stylesheet },
    { method: 'GET', path: '/static/book.svg', handler: () => icon },
    { method: 'GET', path: '/productpage', handler: request => productPage(options, request) },
    { method: 'POST', path: '/login', handler: request => login(options, request) },
    { method: 'GET', path: '/logout', handler: () => toProductPage(NO_SESSION_COOKIE) },
    { method: 'GET', path: '/api/v1/products', handler: () => jsonReply(200, PRODUCTS) },
    { method: 'GET', path: '/api/v1/products/:id', handler: request => api(options, 'details', request) },
    { method: 'GET', path: '/api/v1/products/:id/reviews', handler: request => api(options, 'reviews', request) },
    { method: 'GET', path: '/api/v1/products/:id/ratings', handler: request => api(options, 'ratings', request) },
  ]
}

async function productPage(options: ProductPageOptions, request: Request): Promise<Reply> {
  const headers = outgoingHeaders(options, request)
  const product = PRODUCTS[0]
  const [details, reviews] = await Promise.all([
    ask('details', product.id, headers, options),
    ask('reviews', product.id, headers, options),
  ])
  const user = headers['end-user'] ?? null
  return { status: 200, headers: PAGE_HEADERS, body: renderProductPage({ product, user, details, reviews }) }
}

async function api(options: ProductPageOptions, service: keyof BackendUrls, request: Request): Promise<Reply> {
  const id = parseProductId(request.params['id'])
  if (id === null) return jsonReply(400, { error: 'please provide numeric product id' })
  const answer = await ask(service, id, outgoingHeaders(options, request), options)
  return jsonReply(answer.status, answer.value)
}

function login(options: ProductPageOptions, request: Request): Reply {
  const user = parseUserName(new URLSearchParams(request.body).get('username'))
  if (user === null) return textReply(400, 'Please sign in with a name of letters, digits and . _ @ - (64 at most).\n')
  return toProductPage(sessionCookie(user, options.sessionSecret))
}

/** Only the session says who the user is: an `end-user` header from outside is not believed. */
function outgoingHeaders(options: ProductPageOptions, request: Request): Record<string, string> {
  const headers = forwardHeaders(request.headers)
  delete headers['end-user']
  const user = userOf(request.headers.cookie, options.sessionSecret)
  if (user !== null) headers['end-user'] = user
  return headers
}

function toProductPage(cookie: string): Reply {
  return { status: 302, headers: { location: '/productpage', 'set-cookie': cookie }, body: '' }
}

function staticReply(body: string, contentType: string): Reply {
  return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'max-age=60' }, body }
}
