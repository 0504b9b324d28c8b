// What routes say to filters, at every level, and who has the last word.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { FakeClock } from '../../../base/clock.ts'
import { SeededRandom } from '../../../base/random.ts'
import { RouteConfigurationSchema } from '../../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { MESSAGE_REGISTRY } from '../../../xds/message-registry.ts'
import { FakeStats } from '../../http/testing/fake-proxy.ts'
import { filter, routeConfig, withFilters } from '../../http/testing/filter-stage.ts'
import { LOOP_LIMITS } from '../../process-limits/loop-limits.ts'
import { compileRouteTable } from '../../route/compile-route-table.ts'
import { routeConfigFactories } from './route-configs.ts'

const FAULT = 'envoy.filters.http.fault'
const WRAPPER = 'type.googleapis.com/envoy.config.route.v3.FilterConfig'
const abort = (httpStatus: number): JsonObject =>
  routeConfig('fault.v3.HTTPFault', { abort: { httpStatus, percentage: { numerator: 100 } } })
const to = (prefix: string, own?: JsonObject): JsonObject => ({
  match: { prefix },
  route: { cluster: 'c' },
  ...(own && { typedPerFilterConfig: { [FAULT]: own } }),
})

function problemsOf(typedPerFilterConfig: JsonObject): string[] {
  const configuration = fromJson(
    RouteConfigurationSchema,
    { name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], typedPerFilterConfig }] },
    { registry: MESSAGE_REGISTRY },
  )
  const host = { clock: new FakeClock(), random: new SeededRandom(1), stats: new FakeStats(), limits: LOOP_LIMITS }
  const compiled = compileRouteTable(configuration, routeConfigFactories(host))
  return compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path}: ${message}`)
}

test('a filter that the list has disabled runs where a route configures it, or switches it on', () => {
  const config = { abort: { httpStatus: 418, percentage: { numerator: 100 } } }
  const routes = [
    to('/own', abort(419)),
    to('/on', { '@type': WRAPPER, config: {} }),
    to('/wrapped', { '@type': WRAPPER, config: abort(420) }),
    to('/'),
  ]
  return withFilters({ filters: [filter('fault.v3.HTTPFault', config, { disabled: true })], routes }, async stage => {
    const statuses: number[] = []
    for (const path of ['/', '/own', '/on', '/wrapped']) statuses.push((await stage.get(path)).status)
    assert.deepEqual(statuses, [200, 419, 418, 420])
  })
})

test('a more specific level wins, and takes over what only says on or off', () => {
  const routes = [
    to('/on', { '@type': WRAPPER, config: {} }),
    to('/off', { '@type': WRAPPER, disabled: true }),
    to('/'),
  ]
  const options = {
    filters: [filter('fault.v3.HTTPFault')],
    routes,
    virtualHost: { typedPerFilterConfig: { [FAULT]: abort(500) } },
    routeConfiguration: { typedPerFilterConfig: { [FAULT]: { '@type': WRAPPER, disabled: true } } },
  }
  return withFilters(options, async stage => {
    const statuses: number[] = []
    for (const path of ['/', '/on', '/off']) statuses.push((await stage.get(path)).status)
    assert.deepEqual(statuses, [500, 500, 200])
  })
})

test('the name in the list decides which of two filters is meant', () => {
  const filters = [{ ...filter('fault.v3.HTTPFault'), name: 'first' }]
  const routes = [
    { ...to('/a'), typedPerFilterConfig: { first: abort(418) } },
    { ...to('/b'), typedPerFilterConfig: { second: abort(418) } },
  ]
  return withFilters({ filters, routes }, async stage => {
    assert.equal((await stage.get('/a')).status, 418)
    assert.equal((await stage.get('/b')).status, 200)
  })
})

test('words that no filter understands are refused by name, unless they are optional', () => {
  const unknown = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' }
  assert.deepEqual(problemsOf({ lua: unknown }), [
    'virtual_hosts[0].typed_per_filter_config["lua"]: no HTTP filter (here lua) takes ' +
      'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router from a route',
  ])
  assert.deepEqual(problemsOf({ lua: { '@type': WRAPPER, isOptional: true, config: unknown } }), [])
  assert.deepEqual(problemsOf({ lua: { '@type': WRAPPER } }), [
    'virtual_hosts[0].typed_per_filter_config["lua"].config: is required where the filter is not disabled',
  ])
  assert.deepEqual(problemsOf({ f: routeConfig('fault.v3.HTTPFault', { abort: {} }) }), [
    'virtual_hosts[0].typed_per_filter_config["f"].abort: needs http_status, grpc_status or header_abort',
  ])
})
