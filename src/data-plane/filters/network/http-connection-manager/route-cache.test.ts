// The route on the stream: looked up once, for all filters, until one of them says that it may be another.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { type HeaderList, setHeader } from '../../../../transport/header-list.ts'
import { packAny } from '../../../../xds/any-pack.ts'
import { RouterSchema } from '../../../../xds/generated/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { FilterChain } from '../../../http/filter-chain.ts'
import { FakeCluster, type FakeProxyOptions, forwardRoute, startFakeProxy } from '../../../http/testing/fake-proxy.ts'
import { exchange } from '../../../http/testing/raw-client.ts'
import { ok, rawUpstream } from '../../../http/testing/raw-upstream.ts'
import { headValue } from '../../../route/head-value.ts'
import type { RouteQuery } from '../../../route/route-entry.ts'
import type { CompiledHttpFilter } from '../../http/contract/http-filter-factory.ts'
import type { NetworkFilterFactory } from '../contract/network-filter.ts'
import { compileConnectionManager } from './config.ts'
import { HttpConnectionManagerFilter } from './filter.ts'

/** The connection manager with filters of the test's own. */
function factoryWith(filters: readonly CompiledHttpFilter[]): NetworkFilterFactory {
  return {
    name: 'test',
    typeUrl: 'test',
    terminal: true,
    compile(_typedConfig, path, host) {
      const typedConfig = packAny(RouterSchema, create(RouterSchema))
      const message = create(HttpConnectionManagerSchema, {
        statPrefix: 'test',
        routeSpecifier: { case: 'rds', value: { routeConfigName: 'routes' } },
        httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: typedConfig } }],
      })
      const compiled = compileConnectionManager(message, path, host)
      assert.ok(compiled.ok)
      const { config } = compiled.value
      const chain = new FilterChain(filters, config.chain.terminal)
      return { ok: true, value: new HttpConnectionManagerFilter({ ...config, chain }, []) }
    },
  }
}

test('filters and router share one look-up, and one draw among weighted clusters', async () => {
  const upstream = await rawUpstream(() => ok())
  let matches = 0
  let draws = 0
  const route = forwardRoute('c')
  const counted = {
    ...route,
    chooseCluster: (random: number, headers: HeaderList) => {
      draws++
      return route.chooseCluster(random, headers)
    },
  }
  const options: FakeProxyOptions = {
    clusters: [new FakeCluster('c', upstream.port)],
    route: (query: RouteQuery) => {
      matches++
      return headValue(query.head, 'x-tenant') === 'two' ? null : counted
    },
  }
  const asks: CompiledHttpFilter = {
    name: 'asks',
    events: ['decodeHeaders'],
    createFilter: stream => ({
      decodeHeaders() {
        assert.equal(stream.route(), counted)
        assert.equal(stream.clusterChoice()?.cluster, 'c')
        return 'continue'
      },
    }),
  }
  const changes: CompiledHttpFilter = {
    name: 'changes',
    events: ['decodeHeaders'],
    createFilter: stream => ({
      decodeHeaders(head) {
        setHeader(head.headers, 'x-tenant', 'two')
        if (head.path === '/clear') stream.clearRouteCache()
        return 'continue'
      },
    }),
  }
  const proxy = await startFakeProxy(factoryWith([asks, changes]), options)
  try {
    const get = (path: string) => exchange(proxy.port, `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)
    assert.equal((await get('/')).status, 200)
    assert.deepEqual([matches, draws], [1, 1])
    assert.equal((await get('/clear')).status, 404)
    assert.deepEqual([matches, draws], [3, 2])
  } finally {
    await proxy.close()
    await upstream.close()
  }
})
