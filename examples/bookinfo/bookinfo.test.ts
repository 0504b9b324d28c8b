// The four services together, without a mesh: names are resolved by the test.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { DETAILS_ROUTES } from './details/routes.ts'
import { createProductPageRoutes } from './productpage/routes.ts'
import { createRatingsRoutes } from './ratings/routes.ts'
import { createReviewsRoutes } from './reviews/routes.ts'
import { get } from './service/http-client.ts'
import { type RunningService, startService } from './service/http-service.ts'

describe('bookinfo', () => {
  const running: RunningService[] = []
  const seen: { url: string; headers: Readonly<Record<string, string>> }[] = []
  let reviewsVersion = 'v1'
  let detailsUrl = ''
  let page = ''

  before(async () => {
    const start = async (name: string, routes: Parameters<typeof startService>[1]) => {
      const service = await startService(name, routes, 0)
      running.push(service)
      return `http://127.0.0.1:${service.port}`
    }
    const remember: typeof get = (url, headers, timeoutMs) => {
      seen.push({ url, headers })
      return get(url, headers, timeoutMs)
    }
    detailsUrl = await start('details', DETAILS_ROUTES)
    const ratings = await start('ratings', createRatingsRoutes())
    const reviewsOf = (version: string) =>
      createReviewsRoutes({
        version,
        instance: `reviews-${version}-0`,
        cluster: 'null',
        ratingsUrl: ratings,
        get: remember,
      })
    const versions: Record<string, string> = {}
    for (const version of ['v1', 'v2', 'v3']) versions[version] = await start('reviews', reviewsOf(version))
    const urls = {
      get details() {
        return detailsUrl
      },
      get reviews() {
        return versions[reviewsVersion] ?? ''
      },
      ratings,
    }
    page = await start('productpage', createProductPageRoutes({ sessionSecret: 'test', urls, get: remember }))
  })

  after(async () => {
    for (const service of running) await service.stop()
  })

  const getPage = (path: string, headers: Record<string, string> = {}) =>
    fetch(page + path, { headers: { connection: 'close', ...headers }, redirect: 'manual' })

  test('the page shows the book, its imprint and the reviews of the version that answered', async () => {
    for (const [version, stars] of [
      ['v1', null],
      ['v2', 'stars black'],
      ['v3', 'stars red'],
    ] as const) {
      reviewsVersion = version
      const response = await getPage('/productpage')
      const html = await response.text()
      assert.equal(response.status, 200)
      assert.match(html, /The Comedy of Errors/)
      assert.match(html, /123-1234567890/)
      assert.match(html, new RegExp(`reviews-${version}-0`))
      assert.equal(html.includes('class="stars'), stars !== null)
      if (stars !== null) assert.match(html, new RegExp(`class="${stars}"`))
      assert.doesNotMatch(html, /(src|href)="(https?:)?\/\/(?!en\.wikipedia\.org)/, 'nothing is loaded from elsewhere')
    }
  })

  test('the REST API keeps the shapes of the original', async () => {
    reviewsVersion = 'v3'
    const json = async (path: string) => (await getPage(path)).json() as Promise<unknown>
    const [product] = (await json('/api/v1/products')) as [{ id: number; title: string }]
    assert.equal(product.title, 'The Comedy of Errors')
    assert.equal(((await json('/api/v1/products/0')) as { 'ISBN-10': string })['ISBN-10'], '1234567890')
    assert.deepEqual(await json('/api/v1/products/0/ratings'), { id: 0, ratings: { Reviewer1: 5, Reviewer2: 4 } })
    const reviews = (await json('/api/v1/products/0/reviews')) as { id: string; reviews: { rating: unknown }[] }
    assert.equal(reviews.id, '0')
    assert.deepEqual(
      reviews.reviews.map(review => review.rating),
      [
        { stars: 5, color: 'red' },
        { stars: 4, color: 'red' },
      ],
    )
    assert.equal((await getPage('/api/v1/products/nought')).status, 400)
  })

  test('signing in sets end-user on the calls behind the page, an end-user header from outside does not', async () => {
    reviewsVersion = 'v2'
    const body = new URLSearchParams({ username: 'jason' })
    const login = await fetch(`${page}/login`, { method: 'POST', body, redirect: 'manual' })
    assert.equal(login.status, 302)
    assert.equal(login.headers.get('location'), '/productpage')
    const cookie = login.headers.get('set-cookie') ?? ''
    assert.match(cookie, /HttpOnly; SameSite=Lax/)
    const session = cookie.split(';')[0] ?? ''
    seen.length = 0
    const html = await (await getPage('/productpage', { cookie: session, 'x-request-id': 'r-1' })).text()
    assert.match(html, /Signed in as <b>jason<\/b>/)
    assert.equal(seen.length, 3, 'details, reviews, ratings')
    for (const call of seen) {
      assert.equal(call.headers['end-user'], 'jason', call.url)
      assert.equal(call.headers['x-request-id'], 'r-1', call.url)
    }
    seen.length = 0
    await getPage('/productpage', { 'end-user': 'jason' })
    await getPage('/productpage', { cookie: `${session}x` })
    assert.ok(seen.every(call => call.headers['end-user'] === undefined))
    assert.match((await getPage('/logout')).headers.get('set-cookie') ?? '', /Max-Age=0/)
  })

  test('a name that could not be a header is refused', async () => {
    for (const username of ['', 'a b', '<script>', 'x\r\ny', 'x'.repeat(65)]) {
      const login = await fetch(`${page}/login`, { method: 'POST', body: new URLSearchParams({ username }) })
      assert.equal(login.status, 400, JSON.stringify(username))
      await login.body?.cancel()
    }
  })

  test('a service that fails becomes a sentence on the page, not a broken page', async () => {
    const works = detailsUrl
    const refused = createServer()
    await new Promise<void>(resolve => refused.listen(0, '127.0.0.1', resolve))
    detailsUrl = `http://127.0.0.1:${(refused.address() as AddressInfo).port}`
    await new Promise(resolve => refused.close(resolve))
    const response = await getPage('/productpage')
    assert.equal(response.status, 200)
    assert.match(await response.text(), /Sorry, product details are currently unavailable for this book\./)
    assert.equal((await getPage('/api/v1/products/0')).status, 500)
    detailsUrl = works
  })

  test('every service says that it is well', async () => {
    for (const service of running) {
      const response = await fetch(`http://127.0.0.1:${service.port}/health`)
      assert.equal(response.status, 200)
      assert.match(await response.text(), /is healthy/)
    }
  })

  test('ratings can be set, and are checked', async () => {
    const ratings = `http://127.0.0.1:${running[1]?.port}/ratings`
    const post = (body: string) => fetch(`${ratings}/7`, { method: 'POST', body })
    assert.deepEqual(await (await post('{"Reviewer1":1}')).json(), { id: 7, ratings: { Reviewer1: 1 } })
    assert.equal((await post('{"Reviewer1":9}')).status, 400)
    assert.equal((await post('nonsense')).status, 400)
    assert.equal((await fetch(`${ratings}/x`)).status, 400)
  })
})
