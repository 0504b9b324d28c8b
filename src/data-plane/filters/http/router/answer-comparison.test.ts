// Answers of mirrors beside those of the client, over sockets.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { FakeClock } from '../../../../base/clock.ts'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  forwardRoute,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { type RawUpstream, rawUpstream, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import { MirrorDifferences } from '../../../mirror-differences.ts'
import type { ComparisonPolicy } from '../../../route/comparison-policy.ts'
import type { MirrorPolicy } from '../../../route/mirror-policy.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'
import { HTTP_CONNECTION_MANAGER } from '../../network/http-connection-manager/factory.ts'

type Answer = (request: UpstreamRequest) => string | undefined

interface Stage {
  readonly proxy: FakeProxy
  readonly shadow: RawUpstream
  readonly main: FakeCluster
  readonly cluster: FakeCluster
  readonly clock: FakeClock
  readonly differences: MirrorDifferences
  /** Resolves when so many comparisons have been made: `match 1`, and whatever else is above zero. */
  outcome(comparisons?: number): Promise<string>
}

const POLICY: ComparisonPolicy = { headers: null, ignored: new Set(['date', 'content-length']), maxBodyBytes: 1000 }

function answer(body: string, fields = '', status = 200): Answer {
  return () => `HTTP/1.1 ${status} X\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`
}

async function compare(
  answerOfMain: Answer,
  answerOfMirror: Answer,
  use: (stage: Stage) => Promise<void>,
  options: {
    readonly policy?: Partial<ComparisonPolicy>
    readonly route?: Partial<ForwardRoute>
    readonly mirrors?: number
    readonly config?: FakeProxyOptions['config']
  } = {},
): Promise<void> {
  const [upstream, shadow] = [await rawUpstream(answerOfMain), await rawUpstream(answerOfMirror)]
  const [main, cluster] = [new FakeCluster('main', upstream.port), new FakeCluster('shadow', shadow.port)]
  const clock = new FakeClock()
  const differences = new MirrorDifferences()
  const { match, statusDiffers, headersDiffer, bodyDiffers, notComparable } = cluster.stats.mirrorComparison
  const counters = { match, status: statusDiffers, headers: headersDiffer, body: bodyDiffers, none: notComparable }
  const comparison = { ...POLICY, ...options.policy }
  const one: MirrorPolicy = { cluster: 'shadow', fraction: 1, appendsShadow: true, comparison }
  const mirrors = Array.from({ length: options.mirrors ?? 1 }, () => one)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, {
    clusters: [main, cluster],
    route: forwardRoute('main', { mirrors, ...options.route }),
    clock,
    mirrorDifferences: differences,
    ...(options.config && { config: options.config }),
  })
  const outcome = async (comparisons = 1): Promise<string> => {
    const made = (): number => match.value + notComparable.value + differences.last.length
    while (made() < comparisons) await new Promise(resolve => setImmediate(resolve))
    return Object.entries(counters)
      .filter(([, { value }]) => value > 0)
      .map(([name, { value }]) => `${name} ${value}`)
      .join(', ')
  }
  try {
    await use({ proxy, shadow, main, cluster, clock, differences, outcome })
  } finally {
    await proxy.close()
    await upstream.close()
    await shadow.close()
  }
}

const get = (path = '/a?secret=1'): string => `GET ${path} HTTP/1.1\r\nhost: a:80\r\nx-request-id: r1\r\n\r\n`

test('the same answer is a match, whatever is volatile in it, however it is framed', () =>
  compare(
    answer('hello', 'date: 1\r\nx-a: 1\r\nx-a: 2\r\n'),
    () =>
      'HTTP/1.1 200 OK\r\nx-a: 1, 2\r\ndate: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    async ({ proxy, outcome, differences }) => {
      assert.equal((await exchange(proxy.port, get())).body, 'hello')
      assert.equal(await outcome(), 'match 1')
      assert.deepEqual(differences.last, [])
    },
    { policy: { ignored: new Set(['date', 'content-length', 'transfer-encoding']) } },
  ))

test('each way in which it differs is counted and shown, but for values of headers that nobody has chosen', () =>
  compare(
    answer('hello', 'x-a: 1\r\nx-api-key: secret\r\n'),
    answer('other', 'x-b: 2\r\nx-api-key: another\r\n', 404),
    async ({ proxy, outcome, differences, clock }) => {
      assert.equal((await exchange(proxy.port, get())).status, 200)
      assert.equal(await outcome(), 'status 1, headers 1, body 1')
      assert.deepEqual(differences.last, [
        {
          at: clock.wallNow(),
          route: 'default',
          upstream: 'main',
          mirror: 'shadow',
          method: 'GET',
          path: '/a',
          requestId: 'r1',
          status: { answer: '200', mirror: '404' },
          headers: {
            'x-a': { answer: '(not shown)', mirror: '' },
            'x-b': { answer: '', mirror: '(not shown)' },
            'x-api-key': { answer: '(not shown)', mirror: '(not shown)' },
          },
          body: { answer: '5 bytes, sha256 2cf24dba5fb0a30e', mirror: '5 bytes, sha256 d9298a10d1b07358' },
        },
      ])
    },
  ))

test('only the headers that were chosen, with their values, and no body where none is wanted', async () => {
  const [ours, theirs] = [answer('hello', 'x-a: 1\r\nx-b: 1\r\n'), answer('other', 'x-a: 1\r\nx-b: 2\r\n')]
  const use = async ({ proxy, outcome }: Stage): Promise<void> => {
    await exchange(proxy.port, get())
    assert.equal(await outcome(), 'match 1')
  }
  await compare(ours, theirs, use, { policy: { headers: new Set(['x-a']), maxBodyBytes: 0 } })
  const differs = async ({ proxy, outcome, differences }: Stage): Promise<void> => {
    await exchange(proxy.port, get())
    assert.equal(await outcome(), 'headers 1')
    assert.deepEqual(differences.last[0]!.headers, { 'x-b': { answer: '1', mirror: '2' } })
  }
  await compare(ours, theirs, differs, { policy: { headers: new Set(['x-b']), maxBodyBytes: 0 } })
})

test('bodies are looked at as far as the bound, and their length beyond it: alike in both is not known to be alike', async () => {
  const long = 'x'.repeat(2000)
  const policy = { maxBodyBytes: 1000 }
  const outcomeOf = (a: string, b: string): Promise<string> =>
    new Promise((resolve, reject) => {
      compare(
        answer(a),
        answer(b),
        async ({ proxy, outcome }) => {
          assert.equal((await exchange(proxy.port, get())).body, a)
          resolve(await outcome())
        },
        { policy },
      ).catch(reject)
    })
  assert.equal(await outcomeOf(long, long), 'none 1')
  assert.equal(await outcomeOf(long, `${long}y`), 'body 1')
  assert.equal(await outcomeOf(long.slice(0, 1000), long), 'body 1')
  assert.equal(await outcomeOf(long, `y${long}`), 'body 1')
  assert.equal(await outcomeOf(long, long.slice(0, 999)), 'body 1')
  assert.equal(await outcomeOf(long.slice(0, 1000), long.slice(0, 1000)), 'match 1')
})

test('the client waits for no mirror; one that answers late, or the client late, is compared all the same', async () => {
  await compare(
    answer('hello'),
    () => undefined,
    async ({ proxy, shadow, outcome }) => {
      assert.equal((await exchange(proxy.port, get())).body, 'hello')
      while (shadow.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
      shadow.requests[0]!.socket.write(answer('hello')(shadow.requests[0]!) ?? '')
      assert.equal(await outcome(), 'match 1')
    },
  )
  const waiting: Socket[] = []
  await compare(
    ({ socket }) => void waiting.push(socket),
    answer('hello'),
    async ({ proxy, cluster, outcome }) => {
      const client = new RawClient(proxy.port).send(get())
      while (waiting.length === 0 || cluster.stats.upstreamRq2xx.value === 0)
        await new Promise(resolve => setImmediate(resolve))
      waiting[0]!.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello')
      assert.equal((await client.response()).body, 'hello')
      assert.equal(await outcome(), 'match 1')
      client.socket.destroy()
    },
  )
})

test('what never came whole is not comparable: a reset mirror, a silent one, no endpoint; a failed or left client', async () => {
  const destroyed: Answer = ({ socket }) => void socket.destroy()
  const cut: Answer = ({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf')
    return undefined
  }
  for (const mirror of [destroyed, cut])
    await compare(answer('hello'), mirror, async ({ proxy, outcome }) => {
      assert.equal((await exchange(proxy.port, get())).body, 'hello')
      assert.equal(await outcome(), 'none 1')
    })
  await compare(
    answer('hello'),
    () => undefined,
    async ({ proxy, shadow, clock, cluster, outcome }) => {
      assert.equal((await exchange(proxy.port, get())).body, 'hello')
      while (shadow.requests.length === 0) await new Promise(resolve => setImmediate(resolve))
      clock.advance(1000)
      assert.equal(await outcome(), 'none 1')
      cluster.endpoints = []
      assert.equal((await exchange(proxy.port, get())).body, 'hello')
      assert.equal(await outcome(2), 'none 2')
    },
    { route: { timeoutMs: 1000 } },
  )
  await compare(destroyed, answer('hello'), async ({ proxy, outcome }) => {
    assert.equal((await exchange(proxy.port, get())).status, 503)
    assert.equal(await outcome(), 'none 1')
  })
  await compare(
    () => undefined,
    answer('hello'),
    async ({ proxy, cluster, outcome }) => {
      const client = new RawClient(proxy.port).send(get())
      while (cluster.stats.upstreamRq2xx.value === 0) await new Promise(resolve => setImmediate(resolve))
      client.socket.destroy()
      assert.equal(await outcome(), 'none 1')
    },
  )
})

test('several mirrors are compared with one answer', () =>
  compare(
    answer('hello'),
    answer('other'),
    async ({ proxy, outcome }) => {
      await exchange(proxy.port, get())
      assert.equal(await outcome(3), 'body 3')
    },
    { mirrors: 3 },
  ))

test('only so many differences are kept, the last ones', () =>
  compare(answer('hello'), answer('other'), async ({ proxy, outcome, differences }) => {
    for (let i = 0; i < 120; i++) await exchange(proxy.port, get(`/${i}`))
    while ((await outcome()) !== 'body 120') await new Promise(resolve => setImmediate(resolve))
    assert.equal(differences.last.length, 100)
    assert.equal(differences.last.at(-1)!.path, '/119')
  }))

test('a gRPC status is compared where it stands: in the trailers', () => {
  const config = { httpProtocolOptions: { enableTrailers: true } }
  const withStatus = (status: number): Answer => {
    const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
    return () => `${head}1\r\nx\r\n0\r\ngrpc-status: ${status}\r\n\r\n`
  }
  const use = async ({ proxy, main, cluster, outcome, differences }: Stage): Promise<void> => {
    for (const one of [main, cluster])
      one.http1 = { ...one.http1, trailers: true, limits: { ...one.http1.limits, trailers: true } }
    const client = new RawClient(proxy.port).send(get().replace('host', 'te: trailers\r\nhost'))
    assert.equal((await client.response()).body, 'x')
    assert.equal(await outcome(), 'headers 1')
    assert.deepEqual(differences.last[0]!.headers, { 'grpc-status': { answer: '0', mirror: '5' } })
    client.socket.destroy()
  }
  return compare(withStatus(0), withStatus(5), use, { config, policy: { headers: new Set() } })
})

test('a gRPC status is the same in the head, where nothing else comes, and in the trailers; what was chosen has no say', async () => {
  const config = { httpProtocolOptions: { enableTrailers: true } }
  const trailersOnly = (status: number): Answer => answer('', `grpc-status: ${status}\r\ngrpc-message: m\r\n`)
  const inTrailers: Answer = () =>
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\ngrpc-status: 5\r\ngrpc-message: m\r\n\r\n'
  for (const [mirror, verdict, headers] of [
    [trailersOnly(5), 'match 1', null],
    [trailersOnly(13), 'headers 1', new Set<string>()],
    [inTrailers, 'match 1', new Set<string>()],
    [inTrailers, 'match 1', null],
  ] as const) {
    const use = async ({ proxy, main, cluster, outcome }: Stage): Promise<void> => {
      for (const one of [main, cluster])
        one.http1 = { ...one.http1, trailers: true, limits: { ...one.http1.limits, trailers: true } }
      await exchange(proxy.port, get().replace('host', 'te: trailers\r\nhost'))
      assert.equal(await outcome(), verdict)
    }
    const ignored = new Set(['content-length', 'transfer-encoding'])
    await compare(trailersOnly(5), mirror, use, { config, policy: { headers, ignored } })
  }
})

test('the answer of a fallback is compared under its own name', () => {
  const other: Answer = request =>
    answer(request.fields['x-envoy-internal'] === undefined ? 'stood in' : 'copied')(request)
  const use = async ({ proxy, outcome, differences }: Stage): Promise<void> => {
    assert.equal((await exchange(proxy.port, get())).body, 'stood in')
    assert.equal(await outcome(), 'body 1')
    const { upstream, mirror } = differences.last[0]!
    assert.deepEqual([upstream, mirror], ['shadow', 'shadow'])
  }
  return compare(({ socket }) => void socket.destroy(), other, use, {
    route: { fallback: { kind: 'cluster', cluster: 'shadow' } },
  })
})
