// What every HTTP filter's folder promises, whatever its name.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { FakeClock } from '../../../base/clock.ts'
import { silentLog } from '../../../base/log.ts'
import { SeededRandom } from '../../../base/random.ts'
import { ApiVersion } from '../../../xds/generated/envoy/config/core/v3/config_source_pb.ts'
import { BufferSchema } from '../../../xds/generated/envoy/extensions/filters/http/buffer/v3/buffer_pb.ts'
import { HealthCheckSchema } from '../../../xds/generated/envoy/extensions/filters/http/health_check/v3/health_check_pb.ts'
import { LocalRateLimitSchema } from '../../../xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts'
import { RateLimitSchema } from '../../../xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.ts'
import { MirrorDifferences } from '../../mirror-differences.ts'
import { NO_OVERLOAD } from '../../overload/overload-manager.ts'
import { LOOP_LIMITS } from '../../process-limits/loop-limits.ts'
import { ALWAYS_HEALTHY } from '../../server-health.ts'
import { createStats } from '../../stats/stats-store.ts'
import type { HttpFilterHost } from './contract/http-filter-factory.ts'
import { HTTP_FILTERS } from './registry.ts'

const HEADINGS = ['# ', '## Config', '## Stats', '## Response code details']
const { root } = createStats()
const host: HttpFilterHost = {
  filterName: 'filter',
  connectionManagerStats: root.scope('http'),
  proxy: {
    clock: new FakeClock(),
    random: new SeededRandom(1),
    log: silentLog,
    stats: root,
    limits: LOOP_LIMITS,
    clusters: { get: () => undefined },
    routeTables: { get: () => undefined, hold: () => ({ table: null }) },
    compileRouteTable: () => assert.fail('a filter compiles no route table'),
    compileAccessLog: () => assert.fail('a filter compiles no access log'),
    reasonHeader: true,
    bufferLimit: 1024 * 1024,
    chainMetadata: {},
    mirrorDifferences: new MirrorDifferences(),
    overload: NO_OVERLOAD,
    health: ALWAYS_HEALTHY,
    drainHealth: ALWAYS_HEALTHY,
    gradualDrainMs: 0,
    serviceCluster: '',
  },
}

/** Where Envoy demands a field; empty everywhere else. */
const LEAST: Readonly<Record<string, Uint8Array>> = {
  'envoy.filters.http.buffer': toBinary(BufferSchema, create(BufferSchema, { maxRequestBytes: 1 })),
  'envoy.filters.http.health_check': toBinary(HealthCheckSchema, create(HealthCheckSchema, { passThroughMode: true })),
  'envoy.filters.http.local_ratelimit': toBinary(
    LocalRateLimitSchema,
    create(LocalRateLimitSchema, { statPrefix: 's' }),
  ),
  'envoy.filters.http.ratelimit': toBinary(
    RateLimitSchema,
    create(RateLimitSchema, {
      domain: 'd',
      rateLimitService: {
        transportApiVersion: ApiVersion.V3,
        grpcService: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: 'c' } } },
      },
    }),
  ),
}

/** `envoy.filters.http.local_ratelimit` lives in `local-ratelimit`. */
function folderOf(name: string): string {
  return name.replace('envoy.filters.http.', '').replaceAll('_', '-')
}

test('every folder is registered, and every filter has its folder', () => {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'contract')
    .map(entry => entry.name)
  assert.deepEqual(HTTP_FILTERS.map(({ name }) => folderOf(name)).sort(), folders.sort())
})

test('names and type URLs are unique, and one filter ends the chain', () => {
  assert.equal(new Set(HTTP_FILTERS.map(({ name }) => name)).size, HTTP_FILTERS.length)
  assert.equal(new Set(HTTP_FILTERS.map(({ typeUrl }) => typeUrl)).size, HTTP_FILTERS.length)
  assert.deepEqual(
    HTTP_FILTERS.filter(({ terminal }) => terminal).map(({ name }) => name),
    ['envoy.filters.http.router'],
  )
})

for (const { name, typeUrl, compile } of HTTP_FILTERS) {
  test(`${name} says what it does, its config, its stats and its details`, () => {
    const readme = join(import.meta.dirname, folderOf(name), 'README.md')
    assert.ok(existsSync(readme), 'has a README.md')
    const text = readFileSync(readme, 'utf8')
    for (const [index, heading] of HEADINGS.entries()) {
      const start = text.indexOf(heading)
      assert.ok(start >= 0, `${heading} is there`)
      const next = HEADINGS[index + 1]
      const body = text.slice(start + heading.length, next === undefined ? undefined : text.indexOf(next))
      assert.ok(body.trim().length > 10, `${heading} says something`)
    }
  })

  test(`${name} takes the least config there is and refuses bytes that are none`, () => {
    const least = LEAST[name]
    assert.equal(compile(create(AnySchema, { typeUrl, ...(least && { value: least }) }), host).ok, true)
    assert.equal(compile(create(AnySchema, { typeUrl: 'x/other' }), host).ok, false)
    assert.equal(compile(create(AnySchema, { typeUrl, value: new Uint8Array([255, 255, 255]) }), host).ok, false)
  })
}
