// What the router does with a route, and how it answers when it cannot follow one.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { addHeader, removeHeader, setHeader } from '../../../../transport/header-list.ts'
import { freePort } from '../../../../transport/net/testing/free-port.ts'
import {
  FakeCluster,
  type FakeProxy,
  type FakeProxyOptions,
  fakeEndpoint,
  forwardRoute,
  NO_LIMITS,
  NO_MUTATIONS,
  plainTransport,
  RETRY,
  startFakeProxy,
} from '../../../http/testing/fake-proxy.ts'
import { exchange, RawClient } from '../../../http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream, type UpstreamRequest } from '../../../http/testing/raw-upstream.ts'
import { RESPONSE_FLAG } from '../../../response-flag.ts'
import { NO_ROUTE_FILTERS, RETRY_ON } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import type { UpstreamTransport } from '../../../upstream-transport.ts'
import { HTTP_CONNECTION_MANAGER } from './factory.ts'

type Answer = (request: UpstreamRequest) => string | undefined

interface Stage {
  readonly proxy: FakeProxy
  readonly upstream: RawUpstream
  readonly cluster: FakeCluster
}

async function withStage(
  answer: Answer,
  options: (cluster: FakeCluster) => FakeProxyOptions,
  use: (stage: Stage) => Promise<void>,
): Promise<void> {
  const upstream = await rawUpstream(answer)
  const cluster = new FakeCluster('c', upstream.port)
  const proxy = await startFakeProxy(HTTP_CONNECTION_MANAGER, { clusters: [cluster], ...options(cluster) })
  try {
    await use({ proxy, upstream, cluster })
  } finally {
    await proxy.close()
    await upstream.close()
  }
  assert.equal(cluster.stats.upstreamRqActive.value, 0)
  assert.equal(cluster.stats.upstreamRqPendingActive.value, 0)
  for (const endpoint of cluster.endpoints) assert.equal(endpoint.activeRequests, 0)
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a.b\r\n\r\n`
const post = (body: string): string => `POST / HTTP/1.1\r\nHost: a.b\r\ncontent-length: ${body.length}\r\n\r\n${body}`

async function ticks(until: () => boolean): Promise<void> {
  while (!until()) await new Promise(resolve => setImmediate(resolve))
}

test('rewrites path and host and says what they were', () =>
  withStage(
    ({ head }) => ok(head.path),
    () => ({ route: forwardRoute('c', { rewritePath: head => `/new${head.path}`, hostRewrite: 'new.host' }) }),
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, get('/p'))).body, '/new/p')
      const { head, fields } = upstream.requests[0]!
      assert.equal(head.authority, 'new.host')
      assert.equal(fields['x-envoy-original-path'], '/p')
      assert.equal(fields['x-envoy-original-host'], 'a.b')
      // As Envoy's access log has it: x-envoy-original-path is what came.
      assert.equal(proxy.logs[0]!.path, '/new/p')
      assert.equal(proxy.logs[0]!.authority, 'new.host')
    },
  ))

test('an endpoint with a name is asked for by it, where the route says so', () =>
  withStage(
    ({ head }) => ok(head.authority),
    cluster => {
      cluster.endpoints = [Object.assign(fakeEndpoint(cluster.endpoints[0]!.port), { hostname: 'named.test' })]
      return { route: forwardRoute('c', { asksForEndpoint: true, keepsForwardedHost: true }) }
    },
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, get('/p'))).body, 'named.test')
      const { fields } = upstream.requests[0]!
      assert.deepEqual([fields['x-forwarded-host'], fields['x-envoy-original-host']], ['a.b', 'a.b'])
      assert.equal(proxy.logs[0]!.authority, 'named.test')
    },
  ))

test('the weighted cluster’s host leaves no trace; the route’s own keeps what was there', () =>
  withStage(
    ({ head }) => ok(head.authority),
    () => {
      const choice = {
        cluster: 'c',
        requestHeaders: NO_MUTATIONS,
        responseHeaders: NO_MUTATIONS,
        hostRewrite: 'weighted.host',
        filters: NO_ROUTE_FILTERS,
      }
      const weighted = forwardRoute('c', { chooseCluster: () => choice, keepsForwardedHost: true })
      const both = { ...weighted, hostRewrite: 'route.host' }
      return { route: ({ head }) => (head.path === '/both' ? both : weighted) }
    },
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, get('/weighted'))).body, 'weighted.host')
      const { fields } = upstream.requests[0]!
      assert.equal(fields['x-envoy-original-host'], undefined)
      assert.equal(fields['x-forwarded-host'], undefined)
      assert.equal((await exchange(proxy.port, get('/both'))).body, 'route.host')
      const kept = upstream.requests[1]!.fields
      assert.equal(kept['x-envoy-original-host'], 'weighted.host')
      assert.equal(kept['x-forwarded-host'], 'weighted.host')
    },
  ))

test('a try that has begun to answer, be it with a 1xx, is the last', () =>
  withStage(
    () => 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n',
    () => ({ route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON['5xx'] } }) }),
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, get('/'))).status, 503)
      assert.equal(upstream.requests.length, 1)
      assert.equal(proxy.logs[0]!.responseFlags, 0)
    },
  ))

test('mutations of the response see the response', () =>
  withStage(
    () => ok('x', 'x-up: 1\r\n'),
    () => {
      const responseHeaders = {
        authority: null,
        apply: (headers: string[], info: StreamInfo) =>
          addHeader(headers, 'x-seen', String(info.responseHeaders === headers)),
      }
      return { route: forwardRoute('c', { responseHeaders }) }
    },
    async ({ proxy }) => assert.equal((await exchange(proxy.port, get('/'))).headers['x-seen'], 'true'),
  ))

test('applies header mutations: the weighted cluster’s, then the route’s', () =>
  withStage(
    () => ok('x', 'x-drop: 1\r\n'),
    () => {
      const add = (value: string) => ({
        authority: null,
        apply: (headers: string[]) => addHeader(headers, 'x-m', value),
      })
      const respond = { authority: null, apply: (headers: string[]) => removeHeader(headers, 'x-drop') }
      const choice = {
        cluster: 'c',
        requestHeaders: add('1'),
        responseHeaders: respond,
        hostRewrite: null,
        filters: NO_ROUTE_FILTERS,
      }
      const requestHeaders = {
        authority: 'mutated',
        apply: (headers: string[]) => {
          addHeader(headers, 'x-m', '2')
          setHeader(headers, 'x-set', 'é')
        },
      }
      return { route: forwardRoute('c', { chooseCluster: () => choice, requestHeaders }) }
    },
    async ({ proxy, upstream }) => {
      const { headers } = await exchange(proxy.port, get('/'))
      assert.equal(headers['x-drop'], undefined)
      assert.deepEqual(
        upstream.requests[0]!.head.headers.filter((_, i, all) => all[i - 1] === 'x-m'),
        ['1', '2'],
      )
      assert.equal(upstream.requests[0]!.head.authority, 'mutated')
    },
  ))

test('a character that is no byte cannot become a line end', () =>
  withStage(
    () => ok(),
    () => {
      const requestHeaders = {
        authority: null,
        apply: (headers: string[]) => addHeader(headers, 'x-m', 'a\u010a\u010db'),
      }
      return { route: forwardRoute('c', { requestHeaders }) }
    },
    async ({ proxy, upstream }) => {
      await exchange(proxy.port, get('/'))
      assert.equal(upstream.requests[0]!.fields['x-m'], 'a??b')
    },
  ))

test('redirects and direct responses', () =>
  withStage(
    () => ok(),
    () => ({
      route: ({ head }) => {
        const base = { name: 'r', virtualHost: 'v', requestHeaders: NO_MUTATIONS, filters: NO_ROUTE_FILTERS }
        const added = { authority: null, apply: (headers: string[]) => addHeader(headers, 'x-added', '1') }
        if (head.path === '/r') {
          const location = (): string => 'https://a/b'
          return { ...base, kind: 'redirect', responseHeaders: added, status: 301, rewritePath: () => null, location }
        }
        const body = Buffer.from('héllo')
        return { ...base, kind: 'direct-response', responseHeaders: added, status: 502, body, location: () => null }
      },
    }),
    async ({ proxy }) => {
      const redirect = await exchange(proxy.port, get('/r'))
      assert.equal(redirect.status, 301)
      assert.equal(redirect.headers['location'], 'https://a/b')
      assert.equal(redirect.headers['x-weft-reason'], undefined)
      const direct = await exchange(proxy.port, get('/d'))
      assert.equal(direct.status, 502)
      assert.equal(Buffer.from(direct.body, 'latin1').toString(), 'héllo')
      assert.equal(direct.headers['x-added'], '1')
      assert.equal(direct.headers['content-type'], 'text/plain')
      assert.deepEqual(
        proxy.logs.map(log => log.responseCodeDetails),
        ['direct_response', 'direct_response'],
      )
      assert.equal(proxy.stats.value('http.test.rq_redirect'), 1)
      const head = await exchange(proxy.port, 'HEAD /d HTTP/1.1\r\nHost: a.b\r\n\r\n')
      assert.equal(head.headers['content-length'], '6')
    },
  ))

test('a direct response of a status that has no body sends none, whatever config says', () =>
  withStage(
    () => ok('next'),
    () => ({
      route: ({ head }) =>
        head.path === '/none'
          ? {
              kind: 'direct-response',
              name: '',
              virtualHost: '',
              requestHeaders: NO_MUTATIONS,
              responseHeaders: NO_MUTATIONS,
              filters: NO_ROUTE_FILTERS,
              status: 204,
              body: Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'),
              location: () => null,
            }
          : forwardRoute('c'),
    }),
    async ({ proxy }) => {
      const client = new RawClient(proxy.port).send(get('/none') + get('/'))
      const none = await client.response()
      assert.equal(none.status, 204)
      assert.equal(none.headers['content-length'], undefined)
      assert.equal((await client.response()).body, 'next')
      client.socket.destroy()
    },
  ))

test('no route, no cluster, no endpoint', async () => {
  const outcomes: [FakeProxyOptions, number, string, number, string][] = [
    [{ route: () => null }, 404, 'route_not_found', RESPONSE_FLAG.NR, ''],
    [{ route: forwardRoute('gone') }, 503, 'cluster_not_found', RESPONSE_FLAG.NC, ''],
    [{ clusters: [new FakeCluster('c')] }, 503, 'no_healthy_upstream', RESPONSE_FLAG.UH, 'no healthy upstream'],
  ]
  for (const [options, status, details, flags, body] of outcomes) {
    await withStage(
      () => ok(),
      () => options,
      async ({ proxy }) => {
        const response = await exchange(proxy.port, get('/'))
        assert.equal(response.status, status)
        assert.equal(response.body, body)
        assert.equal(response.headers['x-weft-reason'], details)
        assert.equal(proxy.logs[0]!.responseFlags, flags)
      },
    )
  }
})

test('an endpoint that refuses: 503 UF, and the next one where connect-failure is retried', async () => {
  const port = await freePort()
  await withStage(
    () => ok(),
    cluster => {
      cluster.endpoints = [fakeEndpoint(port), cluster.endpoints[0]!]
      const retry = { ...RETRY, retryOn: RETRY_ON['connect-failure'], avoidPreviousHosts: true }
      return {
        route: ({ head }) =>
          forwardRoute('c', {
            retry: head.path === '/retry' ? retry : null,
            attemptCountInResponse: true,
            attemptCountInRequest: true,
          }),
      }
    },
    async ({ proxy, upstream, cluster }) => {
      const refused = await exchange(proxy.port, get('/'))
      assert.equal(refused.status, 503)
      assert.equal(
        refused.body,
        'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
      )
      assert.equal(refused.headers['x-envoy-attempt-count'], '1')
      const [log] = proxy.logs as [(typeof proxy.logs)[0]]
      assert.equal(log.responseFlags, RESPONSE_FLAG.UF)
      assert.match(
        log.responseCodeDetails,
        /^upstream_reset_before_response_started\{remote_connection_failure\|delayed/,
      )
      assert.equal(cluster.endpoints[0]!.stats.connectFailures, 1)
      await exchange(proxy.port, get('/'))
      const retried = await exchange(proxy.port, get('/retry'))
      assert.equal(retried.status, 200)
      assert.equal(retried.headers['x-envoy-attempt-count'], '2')
      assert.equal(upstream.requests.at(-1)!.fields['x-envoy-attempt-count'], '2')
      assert.equal(cluster.stats.upstreamRqRetry.value, 1)
      assert.equal(cluster.stats.upstreamRqRetrySuccess.value, 1)
    },
  )
})

test('retries statuses that the policy names, and flags the limit', () =>
  withStage(
    ({ head }) => `HTTP/1.1 ${head.path.slice(1)} x\r\ncontent-length: 1\r\n\r\nx`,
    () => {
      const retry = {
        ...RETRY,
        retryOn: RETRY_ON['gateway-error'] | RETRY_ON['retriable-status-codes'],
        retriableStatusCodes: [418],
      }
      return { route: forwardRoute('c', { retry }) }
    },
    async ({ proxy, upstream, cluster }) => {
      for (const [status, tries] of [
        [503, 3],
        [500, 1],
        [418, 3],
        [200, 1],
      ] as const) {
        upstream.requests.length = 0
        assert.equal((await exchange(proxy.port, get(`/${status}`))).status, status)
        assert.equal(upstream.requests.length, tries, String(status))
        const log = proxy.logs.at(-1)!
        assert.equal(log.responseFlags, tries > 1 ? RESPONSE_FLAG.URX : 0)
        assert.equal(log.attemptCount, tries)
        assert.equal(log.responseCodeDetails, 'via_upstream')
      }
      assert.equal(cluster.stats.upstreamRqRetryLimitExceeded.value, 2)
    },
  ))

test('a body is sent again with its request; one beyond the buffer is not', () => {
  let fails = 1
  return withStage(
    ({ body }) => (fails-- > 0 ? 'HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n' : ok(String(body.length))),
    () => ({ route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON['5xx'] } }) }),
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, post('hello'))).body, '5')
      assert.deepEqual(
        upstream.requests.map(request => request.body),
        ['hello', 'hello'],
      )
      fails = 1
      assert.equal((await exchange(proxy.port, post('x'.repeat(1_500_000)))).status, 503)
      assert.equal(upstream.requests.length, 3)
    },
  )
})

test('a connection that breaks before the response: 503 UC; repeated where method and policy allow', () => {
  let breaks = 1
  return withStage(
    ({ socket }) => {
      if (breaks-- <= 0) return ok()
      socket.destroy()
      return undefined
    },
    () => ({
      route: ({ head }) => {
        const retry = { ...RETRY, retryOn: RETRY_ON['connect-failure'] }
        return forwardRoute('c', { retry: head.path === '/none' ? null : retry })
      },
    }),
    async ({ proxy, cluster }) => {
      const broken = await exchange(proxy.port, get('/none'))
      assert.equal(broken.status, 503)
      assert.equal(broken.headers['x-weft-reason'], 'upstream_reset_before_response_started{connection_termination}')
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UC)
      assert.equal(cluster.stats.upstreamCxDestroyRemoteWithActiveRq.value, 1)
      breaks = 1
      assert.equal((await exchange(proxy.port, get('/'))).status, 200)
      breaks = 1
      assert.equal((await exchange(proxy.port, post('x'))).status, 503)
    },
  )
})

test('a pooled connection found dead costs an idempotent request nothing', () =>
  withStage(
    ({ socket, index }) => {
      if (index === 0) return ok()
      socket.destroy()
      return undefined
    },
    () => ({}),
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, get('/'))).status, 200)
      assert.equal((await exchange(proxy.port, get('/'))).status, 200)
      assert.equal(upstream.requests.length, 3)
      assert.equal(proxy.logs[1]!.attemptCount, 1)
      assert.equal((await exchange(proxy.port, post('x'))).status, 503)
    },
  ))

test('the next sidecar’s failure to reach its application is retried; the application’s own 503 is not', () => {
  let reason = 'x-weft-reason: upstream_reset_before_response_started{remote_connection_failure|delayed}\r\n'
  let fails = 1
  return withStage(
    () => (fails-- > 0 ? `HTTP/1.1 503 x\r\ncontent-length: 0\r\n${reason}\r\n` : ok()),
    cluster => {
      cluster.endpoints = [fakeEndpoint(cluster.endpoints[0]!.port, { ...plainTransport, name: 'tls' })]
      return { route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON['connect-failure'] } }) }
    },
    async ({ proxy }) => {
      assert.equal((await exchange(proxy.port, post('x'))).status, 200)
      fails = 1
      reason = 'x-weft-reason: upstream_reset_before_response_started{connection_termination}\r\n'
      assert.equal((await exchange(proxy.port, get('/'))).status, 200)
      fails = 1
      assert.equal((await exchange(proxy.port, post('x'))).status, 503)
      fails = 1
      reason = ''
      assert.equal((await exchange(proxy.port, get('/'))).status, 503)
    },
  )
})

test('x-weft-reason counts, and goes on, from a peer of the mesh only: an application could claim anything', () =>
  withStage(
    () =>
      'HTTP/1.1 503 x\r\ncontent-length: 0\r\n' +
      'x-weft-reason: upstream_reset_before_response_started{remote_connection_failure}\r\n\r\n',
    () => ({ route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON['connect-failure'] } }) }),
    async ({ proxy, upstream }) => {
      const response = await exchange(proxy.port, post('x'))
      assert.equal(response.headers['x-weft-reason'], undefined)
      assert.equal(upstream.requests.length, 1)
    },
  ))

test('what the transport says of a failure is logged, without control characters, and not told to the client', () =>
  withStage(
    () => undefined,
    cluster => {
      const failing: UpstreamTransport = {
        name: 'tls',
        connect(address, port, onReady) {
          return plainTransport.connect(address, port, () => onReady('TLS_error:SAN_a\r\nset-cookie:_b'))
        },
      }
      cluster.endpoints = [fakeEndpoint(cluster.endpoints[0]!.port, failing)]
      return {}
    },
    async ({ proxy }) => {
      const { headers } = await exchange(proxy.port, get('/'))
      assert.equal(headers['x-weft-reason'], 'upstream_reset_before_response_started{remote_connection_failure}')
      assert.equal(proxy.logs[0]!.upstreamTransportFailureReason, 'TLS_error:SAN_a__set-cookie:_b')
      assert.match(proxy.logs[0]!.responseCodeDetails, /\|TLS_error:SAN_a__set-cookie:_b}$/)
    },
  ))

test('a retry counts against max_retries until it is answered', () => {
  const held: Socket[] = []
  return withStage(
    ({ socket, head, index }) => {
      if (index === 0 || head.path === '/other') return 'HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n'
      held.push(socket)
      return undefined
    },
    cluster => {
      cluster.limits = { ...NO_LIMITS, maxRetries: 1 }
      return { route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON['5xx'] } }) }
    },
    async ({ proxy, cluster }) => {
      const first = new RawClient(proxy.port).send(get('/'))
      await ticks(() => held.length === 1)
      assert.equal((await exchange(proxy.port, get('/other'))).status, 503)
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UO)
      assert.equal(cluster.stats.upstreamRqRetryOverflow.value, 1)
      held[0]!.write(ok('done'))
      assert.equal((await first.response()).body, 'done')
      first.socket.destroy()
      const retried = exchange(proxy.port, get('/other'))
      assert.equal((await retried).status, 503)
      assert.equal(cluster.stats.upstreamRqRetryOverflow.value, 1)
    },
  )
})

test('a gRPC status in the headers of a 200 is judged as Envoy does', () => {
  let fails = 1
  return withStage(
    () => ok('x', fails-- > 0 ? 'grpc-status: 14\r\n' : ''),
    () => ({ route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON.unavailable } }) }),
    async ({ proxy, upstream }) => {
      assert.equal((await exchange(proxy.port, get('/'))).headers['grpc-status'], undefined)
      assert.equal(upstream.requests.length, 2)
    },
  )
})

test('an upstream that breaks the protocol: 502 UPE, or a cut response', () =>
  withStage(
    ({ head, socket }) => {
      if (head.path === '/garbage') return 'garbage\r\n\r\n'
      if (head.path === '/head') {
        socket.end('HTTP/1.1 200 OK\r\ncontent-le')
        return undefined
      }
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')
      return undefined
    },
    () => ({}),
    async ({ proxy }) => {
      assert.equal((await exchange(proxy.port, get('/garbage'))).status, 502)
      assert.equal((await exchange(proxy.port, get('/head'))).status, 502)
      const cut = await exchange(proxy.port, get('/cut'))
      assert.equal(cut.error, 'cut short')
      assert.equal(cut.body, 'abc')
      const [garbage, head, half] = proxy.logs as StreamInfo[] as [StreamInfo, StreamInfo, StreamInfo]
      assert.equal(head.responseFlags, RESPONSE_FLAG.UPE)
      assert.equal(garbage.responseFlags, RESPONSE_FLAG.UPE)
      assert.equal(garbage.responseCodeDetails, 'upstream_reset_before_response_started{protocol_error}')
      assert.equal(half.responseCodeDetails, 'upstream_reset_after_response_started{protocol_error}')
    },
  ))

test('circuit limits: pending requests and requests', async () => {
  for (const limit of ['maxPendingRequests', 'maxRequests'] as const) {
    await withStage(
      () => ok(),
      cluster => {
        cluster.limits = { ...NO_LIMITS, [limit]: 0 }
        return {}
      },
      async ({ proxy, cluster }) => {
        const response = await exchange(proxy.port, get('/'))
        assert.equal(response.status, 503)
        assert.equal(response.headers['x-envoy-overloaded'], 'true')
        assert.equal(response.headers['x-weft-reason'], 'upstream_reset_before_response_started{overflow}')
        assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.UO)
        const { upstreamRqPendingOverflow, upstreamRqActiveOverflow, upstreamRqTotal } = cluster.stats
        const counted = [upstreamRqPendingOverflow.value, upstreamRqActiveOverflow.value, upstreamRqTotal.value]
        assert.deepEqual(counted, limit === 'maxRequests' ? [0, 1, 0] : [1, 0, 0])
      },
    )
  }
})

test('at the connection limit requests take turns', () =>
  withStage(
    ({ head }) => ok(head.path),
    cluster => {
      cluster.limits = { ...NO_LIMITS, maxConnections: 1 }
      return {}
    },
    async ({ proxy, cluster }) => {
      const bodies = await Promise.all([1, 2, 3, 4].map(async n => (await exchange(proxy.port, get(`/${n}`))).body))
      assert.deepEqual(bodies, ['/1', '/2', '/3', '/4'])
      assert.equal(cluster.stats.upstreamCxTotal.value, 1)
    },
  ))

test('a client that leaves takes its upstream request with it', () =>
  withStage(
    () => undefined,
    () => ({}),
    async ({ proxy, upstream, cluster }) => {
      const client = new RawClient(proxy.port).send(get('/'))
      await ticks(() => upstream.requests.length === 1)
      client.socket.destroy()
      await ticks(() => upstream.sockets.size === 0 && proxy.logs.length === 1)
      assert.equal(proxy.logs[0]!.responseFlags, RESPONSE_FLAG.DC)
      assert.equal(proxy.logs[0]!.responseCode, 0)
      assert.equal(proxy.logs[0]!.responseCodeDetails, 'downstream_remote_disconnect')
      assert.equal(cluster.stats.upstreamRqTxReset.value, 1)
    },
  ))

test('a response before the request’s end closes both connections', () =>
  withStage(
    () => undefined,
    () => ({}),
    async ({ proxy, upstream }) => {
      const client = new RawClient(proxy.port).send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nab')
      await ticks(() => upstream.sockets.size === 1)
      for (const socket of upstream.sockets) socket.write(ok('no', 'x-early: 1\r\n'))
      assert.equal((await client.response()).body, 'no')
      await client.closed()
      await ticks(() => upstream.sockets.size === 0)
    },
  ))

test('an early failure without a body, retried: the first connection is closed, the second gets the whole body', () =>
  withStage(
    ({ body }) => ok(body),
    () => ({ route: forwardRoute('c', { retry: { ...RETRY, retryOn: RETRY_ON['5xx'] } }) }),
    async ({ proxy, upstream, cluster }) => {
      const client = new RawClient(proxy.port).send('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab')
      await ticks(() => upstream.sockets.size === 1)
      for (const socket of upstream.sockets) socket.write('HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n')
      await ticks(() => cluster.stats.upstreamRqRetry.value === 1)
      client.send('cd')
      assert.equal((await client.response()).body, 'abcd')
      assert.equal(cluster.stats.upstreamCxActive.value, 1)
      client.socket.destroy()
    },
  ))

test('a body that arrives while a dead pooled connection is replaced is not lost', () => {
  let connections = 0
  let letGo = (): void => {}
  return withStage(
    ({ body, head }) => ok(head.method === 'PUT' ? body : 'warm'),
    cluster => {
      const { port } = cluster.endpoints[0]!
      const late: UpstreamTransport = {
        name: 'raw_buffer',
        connect(address, to, onReady) {
          if (connections++ === 0) return plainTransport.connect(address, to, onReady)
          return plainTransport.connect(address, to, failure => {
            letGo = () => onReady(failure)
          })
        },
      }
      cluster.endpoints = [fakeEndpoint(port, late)]
      return {}
    },
    async ({ proxy, upstream, cluster }) => {
      assert.equal((await exchange(proxy.port, get('/'))).body, 'warm')
      for (const socket of upstream.sockets) socket.once('data', () => socket.destroy())
      const head = 'PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n'
      const client = new RawClient(proxy.port).send(head)
      await ticks(() => cluster.stats.triesBegun.value === 3)
      const received = proxy.stats.value('http.test.downstream_cx_rx_bytes_total')
      client.send('ab')
      await ticks(() => proxy.stats.value('http.test.downstream_cx_rx_bytes_total') === received + 2)
      letGo()
      client.send('cd')
      assert.equal((await client.response()).body, 'abcd')
      client.socket.destroy()
    },
  )
})
