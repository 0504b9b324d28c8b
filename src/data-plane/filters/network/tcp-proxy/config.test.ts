import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { TcpProxySchema } from '../../../../xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { compileTcp, LOG } from './tcp-proxy-fixture.ts'

function problems(config: MessageInitShape<typeof TcpProxySchema>): string[] {
  const compiled = compileTcp({ config })
  return compiled.ok ? [] : compiled.problems.map(({ path, message }) => `${path}: ${message}`)
}

test('what is not honoured is refused by name', () => {
  assert.deepEqual(
    problems({
      metadataMatch: {},
      onDemand: {},
      tunnelingConfig: { hostname: '%NONSENSE%', propagateResponseHeaders: true },
      hashPolicy: [{ policySpecifier: { case: 'filterState', value: { key: 'x' } } }, {}],
      accessLogFlushInterval: { seconds: 1n },
      accessLogOptions: {},
      downstreamIdleTimeout: { seconds: 1n },
      upstreamIdleTimeout: { seconds: 1n },
      accessLog: [{ ...LOG, filter: {} }],
    }).sort(),
    [
      'tcp.access_log[0].filter: needs a filter',
      'tcp.access_log_options: excludes the deprecated fields beside it',
      'tcp.downstream_idle_timeout: is not supported',
      'tcp.hash_policy: may hold one policy only',
      'tcp.hash_policy[0].filter_state: is not supported',
      'tcp.hash_policy[1]: needs something to hash',
      'tcp.metadata_match: is not supported',
      'tcp.on_demand: is not supported',
      'tcp.tunneling_config.hostname: %NONSENSE% is not known',
      'tcp.tunneling_config.propagate_response_headers: is not supported',
      'tcp.upstream_idle_timeout: is not supported',
    ],
  )
})

test('what is missing or out of range is a problem', () => {
  assert.deepEqual(
    problems({
      statPrefix: '',
      clusterSpecifier: { case: 'cluster', value: '' },
      maxConnectAttempts: 0,
      maxDownstreamConnectionDuration: { nanos: 1 },
      accessLog: [{}],
    }),
    [
      'tcp.stat_prefix: is required',
      'tcp.max_connect_attempts: must be at least 1',
      'tcp.max_downstream_connection_duration: must be at least 1ms',
      'tcp.access_log[0].typed_config: is required',
      'tcp.cluster: a cluster or weighted_clusters is required',
    ],
  )
  const clusters = [{ name: '', weight: 0, metadataMatch: {} }]
  assert.deepEqual(problems({ clusterSpecifier: { case: 'weightedClusters', value: { clusters } } }), [
    'tcp.weighted_clusters.clusters[0].metadata_match: is not supported',
    'tcp.weighted_clusters.clusters[0].name: is required',
    'tcp.weighted_clusters.clusters[0].weight: must be at least 1',
  ])
  assert.deepEqual(problems({ clusterSpecifier: { case: 'weightedClusters', value: {} } }), [
    'tcp.weighted_clusters.clusters: must not be empty',
  ])
})
