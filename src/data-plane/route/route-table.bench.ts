// What choosing a route costs by the number of routes: node src/data-plane/route/route-table.bench.ts
import { fromJson, type JsonObject } from '@bufbuild/protobuf'
import { systemClock } from '../../base/clock.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { compileRouteTable } from './compile-route-table.ts'
import type { RouteQuery } from './route-entry.ts'

const SHAPES: Readonly<Record<string, { match(index: number): JsonObject; path(index: number): string }>> = {
  'prefix each': {
    match: index => ({ prefix: `/service/${index}/` }),
    path: index => `/service/${index}/items?page=2`,
  },
  'exact path each': { match: index => ({ path: `/service/${index}` }), path: index => `/service/${index}` },
  'one prefix, header each': {
    match: index => ({ prefix: '/', headers: [{ name: 'x-route', stringMatch: { exact: `v${index}` } }] }),
    path: () => '/items?page=2',
  },
  'prefix and header each': {
    match: index => ({
      prefix: `/service/${index}/`,
      headers: [{ name: 'x-route', stringMatch: { exact: `v${index}` } }],
    }),
    path: index => `/service/${index}/items?page=2`,
  },
  'regex each': {
    match: index => ({ safeRegex: { regex: `/service/${index}/v[0-9]+/.*` } }),
    path: index => `/service/${index}/v1/items?page=2`,
  },
}

const NO_METADATA = { metadataOf: () => undefined, allMetadata: () => null, connection: { peer: null } }

/** `last`: the request that a linear scan likes least; `spread`: 64 requests all over the table in turn. */
function measure(shape: keyof typeof SHAPES, count: number, spread: boolean): number {
  const { match, path } = SHAPES[shape]!
  const routes = Array.from({ length: count }, (_, index) => ({ match: match(index), route: { cluster: 'c' } }))
  const virtualHosts = [{ name: 'v', domains: ['a.com'], routes }]
  const compiled = compileRouteTable(fromJson(RouteConfigurationSchema, { name: 'r', virtualHosts }))
  if (!compiled.ok) throw new Error(compiled.problems[0]?.message)
  const table = compiled.value
  const queries = Array.from({ length: 64 }, (_, index): RouteQuery => {
    const chosen = spread ? Math.floor((index * count) / 64) : count - 1
    const headers = ['user-agent', 'curl/8.0', 'accept', '*/*', 'x-request-id', 'abc', 'x-route', `v${chosen}`]
    return {
      head: { method: 'GET', path: path(chosen), authority: 'a.com', scheme: 'http', headers, protocol: '' },
      info: NO_METADATA,
      random: () => 0,
    }
  })
  const rounds = 300_000
  let best = Number.POSITIVE_INFINITY
  for (let repeat = 0; repeat < 4; repeat++) {
    const start = systemClock.now()
    for (let i = 0; i < rounds; i++) if (table.match(queries[i & 63]!) === null) throw new Error('no route')
    best = Math.min(best, ((systemClock.now() - start) * 1_000_000) / rounds)
  }
  return best
}

for (const shape of Object.keys(SHAPES)) {
  for (const spread of [false, true]) {
    const figures = [10, 1000, 10_000].map(count => `${count}: ${measure(shape, count, spread).toFixed(0)} ns`)
    console.log(`${shape}, ${spread ? 'all over' : 'the last'}: ${figures.join(', ')}`)
  }
}
