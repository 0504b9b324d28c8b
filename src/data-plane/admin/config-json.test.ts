import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterSchema } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { staticCluster } from '../mesh-fixture.ts'
import { configToJson } from './config-json.ts'

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
  const text = JSON.stringify(configToJson(ClusterSchema, cluster))
  assert.match(text, /"private_key":\{"inline_string":"\[redacted\]"\}/)
  assert.match(text, /"certificate_chain":\{"inline_string":"public"\}/)
  assert.doesNotMatch(text, /secret/)
})
