import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../../base/problem.ts'
import { parseMeshConfig } from '../../parse-mesh-config.ts'

const problems = (text: string): readonly string[] =>
  parseMeshConfig({ file: 'm', text }).problems.map(problem => formatProblem(problem).split(': ').slice(1).join(': '))

test('defaults of exportTo other than the two that Istio heeds are refused', () => {
  assert.deepEqual(problems('defaultServiceExportTo: [shop]\ndefaultVirtualServiceExportTo: [".", "*"]\n'), [
    'error WEFT-1005 MeshConfig defaultServiceExportTo[0]: "shop" is neither "." nor "*"; name namespaces in exportTo itself',
    'error WEFT-1011 MeshConfig defaultVirtualServiceExportTo: only one of "." and "*" may be given',
  ])
})

test('of the policy for inbound retries, what Istio does not read is refused', () => {
  assert.deepEqual(problems('defaultInboundHttpRetryPolicy: {attempts: 1, perTryTimeout: 1s}\n'), [
    'error WEFT-1007 MeshConfig defaultInboundHttpRetryPolicy.perTryTimeout: perTryTimeout is not supported yet',
  ])
})

test('what cannot be had is told: other versions and suites inside the mesh, unknown curves and placeholders', () => {
  const text = [
    'meshMTLS: {minProtocolVersion: TLSV1_2, cipherSuites: [ECDHE-RSA-AES128-GCM-SHA256]}',
    'tlsDefaults: {ecdhCurves: [P-256, P-1], minProtocolVersion: TLSV1_1}',
    'outboundClusterStatName: "%SERVICE%_%SUBSET%"',
    'disableEnvoyListenerLog: false',
    'proxyListenPort: 15001',
  ].join('\n')
  assert.deepEqual(problems(text), [
    'error WEFT-1005 MeshConfig tlsDefaults.minProtocolVersion: "TLSV1_1" is not one of TLS_AUTO, TLSV1_2, TLSV1_3; did you mean "TLSV1_2"?',
    'error WEFT-1005 MeshConfig tlsDefaults.ecdhCurves[1]: "P-1" is not one of P-256, P-384, P-521, X25519, X25519MLKEM768',
    'error WEFT-1005 MeshConfig outboundClusterStatName: %SUBSET% is not one of %SERVICE%, %SERVICE_NAME%, ' +
      '%SERVICE_FQDN%, %SERVICE_PORT%, %SERVICE_PORT_NAME%, %SUBSET_NAME%, %TARGET_PORT%',
    'error WEFT-1007 MeshConfig disableEnvoyListenerLog: disableEnvoyListenerLog: false is not supported yet',
    'error WEFT-1005 MeshConfig meshMTLS.minProtocolVersion: proxies of the mesh speak TLS 1.3 with each other',
    'error WEFT-1005 MeshConfig meshMTLS.cipherSuites: TLS 1.3 has no such choice: cipherSuites belongs to tlsDefaults',
    'error WEFT-1007 MeshConfig proxyListenPort: proxyListenPort is not supported yet',
  ])
})
