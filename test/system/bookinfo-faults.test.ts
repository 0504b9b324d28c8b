// docs/tour.md by traffic: a delay and an abort for jason, and a time limit. Only "not before" is asserted of any time.
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { eventually } from '../integration/running-mesh.ts'
import { BookinfoMesh, SIDECARS } from './bookinfo-mesh.ts'

const ALL_V1_JASON_V2 = ['virtual-service-all-v1.yaml', 'virtual-service-reviews-test-v2.yaml']
const NO_REVIEWS = /Sorry, product reviews are currently unavailable for this book\./
const NO_RATINGS = 'Ratings service is currently unavailable'
/** Timers of the proxies tick every few milliseconds, and may be that much early. */
const TICK_MS = 50

async function timed<Seen>(work: () => Promise<Seen>): Promise<{ seen: Seen; ms: number }> {
  const began = performance.now()
  const seen = await work()
  return { seen, ms: performance.now() - began }
}

for (const [title, envoys] of SIDECARS) {
  suite(title, () => {
    let bookinfo: BookinfoMesh
    let jason: string

    before(async () => {
      bookinfo = await BookinfoMesh.start(envoys)
      jason = await bookinfo.signIn('jason')
    })
    beforeEach(async () => await bookinfo.reset())
    after(async () => await bookinfo?.stop())

    test('7 s of delay for jason: the page gives up on its reviews after twice 3 s, nobody else notices', async () => {
      await bookinfo.apply(...ALL_V1_JASON_V2, 'virtual-service-ratings-test-delay.yaml')
      const { seen: page, ms } = await timed(() => bookinfo.page(jason))
      assert.match(page, NO_REVIEWS)
      assert.match(page, /123-1234567890/, 'the details are there')
      assert.ok(ms >= 6000 - TICK_MS, `${ms} ms`)
      assert.equal((await bookinfo.reviews()).version, 'v1')
    })

    test('v3 gives up on the stars in time: the page is whole, and says what it lacks', async () => {
      await bookinfo.apply(
        ...ALL_V1_JASON_V2,
        'virtual-service-ratings-test-delay.yaml',
        'virtual-service-reviews-v3.yaml',
      )
      const { seen, ms } = await timed(() => bookinfo.reviews(jason))
      assert.deepEqual([seen.status, seen.version, seen.stars], [200, 'v3', NO_RATINGS])
      assert.ok(ms >= 2500 - TICK_MS, `${ms} ms`)
      assert.equal((await bookinfo.reviews()).stars, 'red')
    })

    test('500 for jason: no stars, at once, and nobody else notices', async () => {
      await bookinfo.apply(...ALL_V1_JASON_V2, 'virtual-service-ratings-test-abort.yaml')
      const seen = await bookinfo.reviews(jason)
      assert.deepEqual([seen.status, seen.version, seen.stars], [200, 'v2', NO_RATINGS])
      assert.match(await bookinfo.page(jason), new RegExp(NO_RATINGS))
      const answeredHere = (line: string): boolean => / 500 FI fault_filter_abort .*"ratings:9080" "-" /.test(line)
      await eventually('a line without an upstream', () => bookinfo.log('reviews-v2-0-proxy').some(answeredHere))
      await bookinfo.apply('virtual-service-reviews-v3.yaml')
      assert.equal((await bookinfo.reviews()).stars, 'red')
      assert.equal((await bookinfo.reviews(jason)).stars, NO_RATINGS)
    })

    test('time limits: 2 s of delay are only slow; half a second for reviews ends them, twice', async () => {
      await bookinfo.apply('virtual-service-all-v1.yaml', 'virtual-service-ratings-slow.yaml')
      const slow = await timed(() => bookinfo.reviews())
      assert.deepEqual([slow.seen.status, slow.seen.stars], [200, 'black'])
      assert.ok(slow.ms >= 2000 - TICK_MS, `${slow.ms} ms`)
      await bookinfo.apply('virtual-service-reviews-timeout.yaml')
      const limited = await timed(() => bookinfo.page())
      assert.match(limited.seen, NO_REVIEWS)
      assert.ok(limited.ms >= 1000 - TICK_MS, 'asked twice')
      assert.equal((await bookinfo.reviews()).status, 504)
    })
  })
}
