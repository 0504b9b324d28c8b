// Bounds on a stream's life, and the routes of CONNECT.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { RouteAction_UpgradeConfigSchema } from '../../xds/generated/envoy/config/route/v3/route_components_pb.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { parse } from '../mesh-fixture.ts'
import { compileRouteTable } from './compile-route-table.ts'
import { compileRouteUpgrades } from './route-upgrades.ts'
import { formatGrpcTimeout, NO_STREAM_DURATION, streamDurationMs, UNBOUNDED } from './stream-duration.ts'

test('without a word from the route the connection manager decides', () => {
  assert.equal(streamDurationMs(NO_STREAM_DURATION, undefined, 7), 7)
  assert.equal(streamDurationMs(NO_STREAM_DURATION, '1S', 7), 7)
})

test('the route decides, and 0 is no bound', () => {
  assert.equal(streamDurationMs({ maxMs: 5, grpcTimeoutMaxMs: -1, grpcTimeoutOffsetMs: 0 }, undefined, 7), 5)
  assert.equal(streamDurationMs({ maxMs: 0, grpcTimeoutMaxMs: -1, grpcTimeoutOffsetMs: 0 }, undefined, 7), UNBOUNDED)
  assert.equal(streamDurationMs(NO_STREAM_DURATION, undefined, 0), UNBOUNDED)
})

test('grpc-timeout in every unit', () => {
  const duration = { maxMs: -1, grpcTimeoutMaxMs: 0, grpcTimeoutOffsetMs: 0 }
  const of = (value: string): number => streamDurationMs(duration, value, 7)
  assert.equal(of('2H'), 7_200_000)
  assert.equal(of('3M'), 180_000)
  assert.equal(of('4S'), 4000)
  assert.equal(of('5m'), 5)
  assert.equal(of('1500u'), 2)
  assert.equal(of('99999999n'), 100)
  for (const malformed of ['', 'S', '5', '5x', '-1S', '123456789S', '1.5S']) assert.equal(of(malformed), 7, malformed)
})

test('grpc-timeout is bounded, and shortened by the offset, down to nothing (Envoy)', () => {
  const duration = { maxMs: 1, grpcTimeoutMaxMs: 1000, grpcTimeoutOffsetMs: 100 }
  assert.equal(streamDurationMs(duration, '5S', 7), 900)
  assert.equal(streamDurationMs(duration, '500m', 7), 400)
  assert.equal(streamDurationMs(duration, '50m', 7), 0)
  assert.equal(streamDurationMs(duration, '0S', 7), 0)
})

test('grpc-timeout is written in the smallest unit that has room for it', () => {
  assert.equal(formatGrpcTimeout(1), '1m')
  assert.equal(formatGrpcTimeout(99_999_999), '99999999m')
  assert.equal(formatGrpcTimeout(100_000_000), '100000S')
  assert.equal(formatGrpcTimeout(99_999_999 * 3_600_000), '99999999H')
})

test('CONNECT has routes of its own, in their order', () => {
  const compiled = compileRouteTable(
    parse(RouteConfigurationSchema, {
      name: 'r',
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [
            { name: 'path', match: { prefix: '/' }, route: { cluster: 'c' } },
            {
              name: 'asked',
              match: { connect_matcher: {}, headers: [{ name: 'x', present_match: true }] },
              route: { cluster: 'c' },
            },
            { name: 'any', match: { connect_matcher: {} }, route: { cluster: 'c' } },
          ],
        },
      ],
    }),
  )
  assert.ok(compiled.ok)
  const nameOf = (method: string, path: string, headers: string[] = []): string | undefined =>
    compiled.value.match({
      head: { method, path, authority: 'a:1', scheme: 'http', protocol: '', headers },
      info: { metadataOf: () => undefined, allMetadata: () => null, connection: { peer: null } },
      random: () => 0,
    })?.name
  assert.equal(nameOf('CONNECT', ''), 'any')
  assert.equal(nameOf('CONNECT', '', ['x', '1']), 'asked')
  assert.equal(nameOf('GET', '/'), 'path')
})

test('upgrades of a route: by type without regard to case, and where CONNECT ends', () => {
  const check = new ResourceCheck('')
  const config = (fields: object) => create(RouteAction_UpgradeConfigSchema, fields)
  const upgrades = compileRouteUpgrades(
    [
      config({ upgradeType: 'WebSocket', enabled: false }),
      config({ upgradeType: 'CONNECT', connectConfig: {} }),
      config({ upgradeType: 'connect' }),
      config({ upgradeType: 'x', connectConfig: { allowPost: true } }),
    ],
    'u',
    check,
  )
  assert.deepEqual(upgrades.get('websocket'), { enabled: false, terminates: false })
  assert.equal(check.problems.length, 3)
  assert.deepEqual(
    check.problems.map(({ path, message }) => `${path}: ${message}`),
    [
      'u[2].upgrade_type: connect is configured twice',
      'u[3].connect_config.allow_post: is not supported',
      'u[3].connect_config: goes with upgrade_type CONNECT',
    ],
  )
})
