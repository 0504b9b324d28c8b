import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type DescMessage, type JsonValue, type Message } from '@bufbuild/protobuf'
import { AnySchema } from '@bufbuild/protobuf/wkt'
import { ClusterSchema } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ListenerSchema } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { connectionManager, parse, staticCluster } from '../mesh-fixture.ts'
import { configToJson, type JsonObject, jsonToJson } from './config-json.ts'
import { jsonText } from './json-parts.ts'

function printed(schema: DescMessage, message: Message): { readonly parts: string[]; readonly json: JsonValue } {
  const parts = [...jsonText(configToJson(schema, message))]
  return { parts, json: JSON.parse(parts.join('')) }
}

test('a private key in a config is not printed, whatever is around it', () => {
  const cluster = staticCluster('c', 80, {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      common_tls_context: {
        tls_certificates: [
          { certificate_chain: { inline_string: 'public' }, private_key: { inline_string: 'very secret' } },
        ],
      },
    },
  })
  const text = JSON.stringify(printed(ClusterSchema, cluster).json)
  assert.match(text, /"private_key":\{"inline_string":"\[redacted\]"\}/)
  assert.match(text, /"certificate_chain":\{"inline_string":"public"\}/)
  assert.doesNotMatch(text, /secret/)
})

test('what there may be thousands of is printed one by one, wherever it stands, in the order of fields', () => {
  const virtualHosts = [
    {
      name: 'v',
      domains: ['*'],
      routes: Array.from({ length: 1000 }, (_, i) => ({ match: { prefix: `/${i}` }, route: { cluster: 'c' } })),
      virtual_clusters: [{ name: 'k', headers: [{ name: ':path', string_match: { exact: '/' } }] }],
    },
  ]
  const table = { name: 'r', virtual_hosts: virtualHosts, request_headers_to_remove: ['x'] }
  const address = { socket_address: { address: '127.0.0.1', port_value: 80 } }
  const endpoints = Array.from({ length: 1000 }, () => ({ endpoint: { address } }))
  const manager = connectionManager({ route_config: table })
  const messages: [DescMessage, JsonObject][] = [
    [RouteConfigurationSchema, table],
    [ListenerSchema, { name: 'l', address, filter_chains: [{ filters: [manager] }], stat_prefix: 's' }],
    [
      ClusterSchema,
      {
        name: 'c',
        connect_timeout: '5s',
        load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] },
        alt_stat_name: 's',
      },
    ],
  ]
  for (const [schema, json] of messages) {
    const { parts, json: read } = printed(schema, parse(schema, json))
    assert.deepEqual(read, { '@type': `type.googleapis.com/${schema.typeName}`, ...json })
    assert.ok(parts.length > 1000)
    assert.ok(parts.every(part => part.length < 1000))
  }
})

test('JSON that is there already comes in parts, too', () => {
  const clusters = Array.from({ length: 1000 }, (_, i) => ({ name: `c${i}`, load_assignment: { endpoints: [] } }))
  const bootstrap = { node: { id: 'n' }, static_resources: { clusters }, admin: {} }
  const parts = [...jsonText(jsonToJson(bootstrap))]
  assert.equal(parts.join(''), `${JSON.stringify(bootstrap, null, 1)}\n`)
  assert.ok(parts.every(part => part.length < 1000))
})

test('what cannot be printed says so where it stands', () => {
  const typeUrl =
    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
  const broken = create(AnySchema, { typeUrl, value: new Uint8Array([255]) })
  const message = parse(ListenerSchema, { name: 'l', filter_chains: [{ filters: [{ name: 'f' }] }] })
  message.filterChains[0]!.filters[0]!.configType = { case: 'typedConfig', value: broken }
  const text = JSON.stringify(printed(ListenerSchema, message).json)
  assert.match(text, /"filters":\[{"error":"cannot be printed: .*"}\]}\],?/)
  assert.match(text, /"name":"l"/)
})
