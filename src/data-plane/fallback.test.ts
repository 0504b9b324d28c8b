// A route's fallback through a whole proxy: who answers when the destination is down or too slow.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { JsonValue } from '@bufbuild/protobuf'
import { FakeClock } from '../base/clock.ts'
import { freePort } from '../transport/net/testing/free-port.ts'
import { ClusterSchema } from '../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { RouteConfigurationSchema } from '../xds/generated/envoy/config/route/v3/route_pb.ts'
import { exchange, type RawResponse } from './http/testing/raw-client.ts'
import { ok, type RawUpstream, rawUpstream } from './http/testing/raw-upstream.ts'
import { boundPort, connectionManager, listener, openProxy, parse, rds } from './mesh-fixture.ts'

type Fields = { readonly [key: string]: JsonValue }

const ends: (() => Promise<unknown>)[] = []
after(async () => {
  for (const end of ends) await end()
})

const LOG: JsonValue = {
  name: 'log',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog',
    log_format: {
      text_format_source: {
        inline_string: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_CLUSTER%\n',
      },
    },
  },
}
const address = (port: number): JsonValue => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function cluster(name: string, ports: readonly number[], fields: Fields = {}) {
  const endpoints = ports.map(port => ({ endpoint: { address: address(port) } }))
  const assignment = { cluster_name: name, endpoints: [{ lb_endpoints: endpoints }] }
  return parse(ClusterSchema, { name, type: 'STATIC', load_assignment: assignment, ...fields })
}

function routes(fallback: JsonValue, route: Fields) {
  return parse(RouteConfigurationSchema, {
    name: 'r',
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: [
          {
            match: { prefix: '/' },
            metadata: { filter_metadata: { 'weft.dev': { fallback } } },
            route: { cluster: 'main', timeout: '1s', ...route },
            response_headers_to_add: [{ header: { key: 'x-route', value: 'r' } }],
          },
        ],
      },
    ],
  })
}

interface Scene {
  readonly clock: FakeClock
  /** Closes the proxy, which writes what it holds. */
  log(): Promise<string>
  stat(name: string): number | undefined
  send(text: string): Promise<RawResponse>
}

async function scene(
  main: { readonly ports: readonly number[]; readonly fields?: Fields },
  fallback: JsonValue,
  other: number | null = null,
  route: Fields = {},
): Promise<Scene> {
  const clock = new FakeClock()
  const lines: string[] = []
  const proxy = openProxy({ clock, onLogLine: line => lines.push(line) })
  let closed: Promise<void> | null = null
  const close = (): Promise<void> => (closed ??= proxy.close())
  ends.push(close)
  const clusters = [cluster('main', main.ports, main.fields), ...(other === null ? [] : [cluster('other', [other])])]
  assert.deepEqual(proxy.apply('cluster', clusters), [])
  const manager = connectionManager({ ...rds('r'), access_log: [LOG] })
  assert.deepEqual(proxy.apply('listener', [listener('l', [{ filters: [manager] }])]), [])
  assert.deepEqual(proxy.apply('route', [routes(fallback, route)]), [])
  const port = await boundPort(proxy, 'l')
  return {
    clock,
    log: async () => {
      await close()
      return lines.join('')
    },
    stat: name => proxy.stats.value(`cluster.${name}`),
    send: text => exchange(port, text),
  }
}

async function upstream(answer: Parameters<typeof rawUpstream>[0]): Promise<RawUpstream> {
  const made = await rawUpstream(answer)
  ends.push(() => made.close())
  return made
}

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const POST = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello'
const ANSWER = { status: 200, body: '{"ratings":[]}', content_type: 'application/json' }

test('an answer stands in for a destination without endpoints; the log tells what happened', async () => {
  const { send, log, stat } = await scene({ ports: [] }, ANSWER)
  const { status, body, headers } = await send(GET)
  assert.deepEqual([status, body, headers['content-type']], [200, ANSWER.body, 'application/json'])
  assert.equal(headers['x-route'], 'r')
  assert.equal(headers['x-weft-reason'], undefined)
  assert.equal(stat('main.upstream_rq_fallback'), 1)
  assert.equal(await log(), '200 UH fallback{no_healthy_upstream} main\n')
})

test('another destination takes over what was not sent, its body included, whatever the method', async () => {
  const other = await upstream(({ body }) => ok(`other ${body}`))
  for (const ports of [[], [await freePort()]]) {
    const { send, log } = await scene({ ports }, { cluster: 'other' }, other.port)
    assert.equal((await send(POST)).body, 'other hello')
    assert.equal(await log(), '200 - via_upstream other\n')
  }
})

test('limits that are reached are such a failure, too', async () => {
  const slow = await upstream(() => undefined)
  const thresholds = [{ max_requests: 1 }]
  const main = { ports: [slow.port], fields: { circuit_breakers: { thresholds } } }
  const { send, log } = await scene(main, { status: 429 })
  const first = send(GET)
  while (slow.requests.length === 0) await new Promise(setImmediate)
  assert.equal((await send(GET)).status, 429)
  slow.requests[0]!.socket.write(ok())
  await first
  assert.match(await log(), /^429 UO fallback\{upstream_reset_before_response_started\{overflow\}\} main\n/)
})

test('what is too slow is given up; a request that may have been processed goes nowhere else', async () => {
  const slow = await upstream(() => undefined)
  const other = await upstream(() => ok('other'))
  const { send, clock, log } = await scene({ ports: [slow.port] }, { cluster: 'other' }, other.port)
  for (const [request, expected] of [
    [GET, 200],
    [POST, 504],
  ] as const) {
    const before = slow.requests.length
    const response = send(request)
    while (slow.requests.length === before) await new Promise(setImmediate)
    clock.advance(1010)
    assert.equal((await response).status, expected)
  }
  assert.equal(await log(), '200 - via_upstream other\n504 UT response_timeout main\n')
})

test('an answer stands in for that one as well', async () => {
  const slow = await upstream(() => undefined)
  const { send, clock } = await scene({ ports: [slow.port] }, ANSWER)
  const response = send(POST)
  while (slow.requests.length === 0) await new Promise(setImmediate)
  clock.advance(1010)
  assert.equal((await response).body, ANSWER.body)
})

test('retries come first, and the other destination has its own', async () => {
  let failures = 0
  const other = await upstream(({ socket }) => {
    if (failures++ > 0) return ok('other')
    socket.destroy()
    return undefined
  })
  const retry = { retry_policy: { retry_on: 'reset,connect-failure', num_retries: 1 } }
  const { send, clock, stat } = await scene({ ports: [await freePort()] }, { cluster: 'other' }, other.port, retry)
  const response = send(GET)
  while (stat('main.upstream_rq_retry') !== 1) await new Promise(setImmediate)
  clock.advance(30)
  while (stat('other.upstream_rq_retry') !== 1) await new Promise(setImmediate)
  clock.advance(30)
  assert.equal((await response).body, 'other')
})

test('a destination that dies after a 1xx has not answered: the other one may, and has its retries', async () => {
  const dying = await upstream(({ socket }) => {
    socket.end('HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n')
    return undefined
  })
  let failures = 0
  const other = await upstream(({ socket }) => {
    if (failures++ > 0) return ok('other')
    socket.destroy()
    return undefined
  })
  const retry = { retry_policy: { retry_on: 'reset', num_retries: 1 } }
  const { send, clock, stat } = await scene({ ports: [dying.port] }, { cluster: 'other' }, other.port, retry)
  const response = send(GET)
  while (stat('other.upstream_rq_retry') !== 1) await new Promise(setImmediate)
  clock.advance(30)
  assert.equal((await response).body, 'other')
})

test('when that one fails, too, its failure is what the client gets', async () => {
  const { send, log } = await scene({ ports: [] }, { cluster: 'other' }, await freePort())
  assert.equal((await send(GET)).status, 503)
  assert.match(await log(), /^503 UF upstream_reset_before_response_started\{remote_connection_failure.* other\n$/)
  const unknown = await scene({ ports: [] }, { cluster: 'unknown' })
  assert.equal((await unknown.send(GET)).status, 503)
  assert.equal(await unknown.log(), '503 UH no_healthy_upstream main\n')
})

test('an application’s own errors are its answers, whatever it claims', async () => {
  const claims = 'x-weft-reason: upstream_reset_before_response_started{remote_connection_failure}\r\n'
  const failing = await upstream(() => `HTTP/1.1 503 No\r\ncontent-length: 0\r\n${claims}\r\n`)
  const { send } = await scene({ ports: [failing.port] }, ANSWER)
  assert.equal((await send(GET)).status, 503)
})

test('what cannot be honoured is refused by name', async () => {
  const proxy = openProxy()
  ends.push(() => proxy.close())
  const manager = connectionManager(rds('r'))
  proxy.apply('listener', [listener('l', [{ filters: [manager] }])])
  const paths = (fallback: JsonValue): (string | undefined)[] =>
    proxy.apply('route', [routes(fallback, {})]).map(({ path }) => path?.split('[weft.dev].')[1])
  assert.deepEqual(paths({}), ['fallback'])
  assert.deepEqual(paths('main'), ['fallback'])
  assert.deepEqual(paths({ cluster: 'a', status: 200 }), ['fallback'])
  assert.deepEqual(paths({ status: 100, body: 1, content_type: 'a\nb', more: 1 }), [
    'fallback.more',
    'fallback.status',
    'fallback.body',
    'fallback.content_type',
  ])
})

test('the other cluster is asked for by what the route makes of the host, not by the name of an endpoint that failed', async () => {
  const main = await upstream(({ socket }) => void socket.destroy())
  const other = await upstream(({ head }) => ok(head.authority))
  const assignment = {
    cluster_name: 'main',
    endpoints: [{ lb_endpoints: [{ endpoint: { address: address(main.port), hostname: 'main.test' } }] }],
  }
  const fields = { load_assignment: assignment }
  const { send } = await scene({ ports: [], fields }, { cluster: 'other' }, other.port, { auto_host_rewrite: true })
  assert.equal((await send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')).body, 'a')
  assert.equal(main.requests.at(-1)!.head.authority, 'main.test')
})
