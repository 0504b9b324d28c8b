// docs/tour.md by traffic: everyone to v1, jason to v2, weights, mirroring.
import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { eventually } from '../integration/running-mesh.ts'
import { assertShare, BookinfoMesh, SIDECARS } from './bookinfo-mesh.ts'

for (const [title, envoys] of SIDECARS) {
  suite(title, () => {
    let bookinfo: BookinfoMesh

    before(async () => {
      bookinfo = await BookinfoMesh.start(envoys)
    })
    beforeEach(async () => await bookinfo.reset())
    after(async () => await bookinfo?.stop())

    test('everyone to v1: no stars on any page', async () => {
      await bookinfo.apply('virtual-service-all-v1.yaml')
      assert.deepEqual(await bookinfo.versionsSeen(60), { v1: 60 })
      const page = await bookinfo.page()
      assert.match(page, /reviews-v1-0/)
      assert.doesNotMatch(page, /class="stars/)
    })

    test('jason to v2: black stars once he has signed in, everyone else stays with v1', async () => {
      await bookinfo.apply('virtual-service-all-v1.yaml', 'virtual-service-reviews-test-v2.yaml')
      const jason = await bookinfo.signIn('jason')
      const page = await bookinfo.page(jason)
      assert.match(page, /Signed in as <b>jason<\/b>/)
      assert.match(page, /class="stars black"/)
      assert.deepEqual(await bookinfo.versionsSeen(40, jason), { v2: 40 })
      assert.deepEqual(await bookinfo.versionsSeen(40, await bookinfo.signIn('mary')), { v1: 40 })
      assert.deepEqual(await bookinfo.versionsSeen(40), { v1: 40 })
    })

    test('weights: 90/10, 50/50, 0/100', async () => {
      const calls = 600
      await bookinfo.apply('virtual-service-all-v1.yaml', 'virtual-service-reviews-90-10.yaml')
      const tenth = await bookinfo.versionsSeen(calls)
      assert.equal((tenth['v1'] ?? 0) + (tenth['v2'] ?? 0), calls)
      assertShare(tenth['v2'] ?? 0, calls, 0.1)
      await bookinfo.apply('virtual-service-reviews-50-v3.yaml')
      const half = await bookinfo.versionsSeen(calls)
      assert.equal((half['v1'] ?? 0) + (half['v3'] ?? 0), calls)
      assertShare(half['v3'] ?? 0, calls, 0.5)
      await bookinfo.apply('virtual-service-reviews-v3.yaml')
      assert.deepEqual(await bookinfo.versionsSeen(60), { v3: 60 })
    })

    test('mirroring: v1 answers, and v3 gets a copy of each request under a name that says so', async () => {
      const calls = 50
      const copies = (): number =>
        bookinfo.log('reviews-v3-0-proxy').filter(line => line.includes('"reviews-shadow:9080"')).length
      await bookinfo.apply('virtual-service-all-v1.yaml', 'virtual-service-reviews-mirror-v3.yaml')
      assert.deepEqual(await bookinfo.versionsSeen(calls), { v1: calls })
      await eventually('a copy of each request', () => copies() >= calls)
      assert.equal(copies(), calls)
    })
  })
}
