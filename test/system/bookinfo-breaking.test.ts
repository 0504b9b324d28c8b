// docs/tour.md by traffic: one connection, one request that may wait; who comes third is told so at once.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, beforeEach, test } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../integration/running-mesh.ts'
import { ask } from '../integration/steady-load.ts'
import { BookinfoMesh } from './bookinfo-mesh.ts'

const fortio = process.env['FORTIO']
const wrk = process.env['WRK']
const GATEWAY = 'istio-ingressgateway'
let bookinfo: BookinfoMesh

before(async () => {
  assert.ok(fortio ?? wrk, 'Fortio and wrk are missing: go install fortio.org/fortio, or apt-get install wrk')
  bookinfo = await BookinfoMesh.start()
})
beforeEach(async () => await bookinfo.reset())
after(async () => await bookinfo?.stop())

interface Figures {
  readonly requests: number
  readonly refused: number
}

/** As many requests as `connections` can send without a pause: 300 by Fortio, a second's worth by wrk. */
async function load(connections: number): Promise<Figures> {
  const url = `${bookinfo.mesh.gateway}/api/v1/products`
  const run = promisify(execFile)
  // One that waits for its connection is one that waits: two at once would be too many, were there none yet.
  assert.equal((await ask(url)).status, 200)
  if (fortio !== undefined) {
    const options = ['-quiet', '-allow-initial-errors', '-qps', '0', '-n', '300', '-json', '-']
    const { stdout } = await run(fortio, ['load', ...options, '-c', String(connections), url])
    const codes: Readonly<Record<string, number>> = JSON.parse(stdout).RetCodes
    assert.deepEqual(
      Object.keys(codes).filter(code => code !== '200' && code !== '503'),
      [],
      stdout,
    )
    return { requests: (codes['200'] ?? 0) + (codes['503'] ?? 0), refused: codes['503'] ?? 0 }
  }
  const { stdout } = await run(wrk!, ['-t', '1', '-c', String(connections), '-d', '1s', url])
  const count = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0)
  return { requests: count(/(\d+) requests in/), refused: count(/Non-2xx or 3xx responses: (\d+)/) }
}

/** How many requests the gateway has not let through so far, by its own counter. */
async function overflows(): Promise<number> {
  const { ports } = await bookinfo.mesh.processNamed(row => row.role === 'gateway')
  const { body } = await ask(
    `http://127.0.0.1:${ports['admin']}/stats?filter=productpage.*upstream_rq_pending_overflow`,
  )
  return [...body.matchAll(/: (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0)
}

test('whoever comes third is refused with UO, counted and logged, and nobody else is', async () => {
  const flagged = (): number => bookinfo.log(GATEWAY).filter(line => / 503 UO /.test(line)).length
  assert.equal((await load(3)).refused, 0, 'without limits')
  await bookinfo.apply('destination-rule-productpage-breaker.yaml')
  assert.equal((await load(1)).refused, 0)
  assert.equal((await load(2)).refused, 0, 'the second waits')
  const three = await load(3)
  assert.ok(three.refused > 0 && three.refused < three.requests, JSON.stringify(three))
  // wrk leaves without waiting for its last answers, so that the proxy may have counted a few more.
  const stragglers = fortio === undefined ? 3 : 0
  await eventually('a line for each', () => flagged() >= three.refused)
  for (const told of [await overflows(), flagged()])
    assert.ok(told >= three.refused && told <= three.refused + stragglers, `${told} of ${three.refused}`)
  await bookinfo.reset()
  assert.equal((await load(3)).refused, 0, 'the limits are gone')
})
