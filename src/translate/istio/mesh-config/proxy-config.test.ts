import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../../base/problem.ts'
import { DEFAULT_PROXY_CONFIG } from '../../../model/proxy-config.ts'
import { parseMeshConfig } from '../../parse-mesh-config.ts'

const parse = (defaultConfig: string) =>
  parseMeshConfig({ file: 'm', text: `defaultConfig:\n  ${defaultConfig.replaceAll('\n', '\n  ')}\n` })

test('what is left out of the topology and of the headers is as Istio has it', () => {
  const { meshConfig, problems } = parse(
    'gatewayTopology: {numTrustedProxies: 2, forwardClientCertDetails: UNDEFINED}\n' +
      'proxyHeaders: {server: {}, requestId: {disabled: false}, setCurrentClientCertDetails: {dns: false}}',
  )
  assert.deepEqual(problems, [])
  const { gatewayTopology, proxyHeaders } = DEFAULT_PROXY_CONFIG
  assert.deepEqual(meshConfig.defaultConfig, {
    ...DEFAULT_PROXY_CONFIG,
    gatewayTopology: { ...gatewayTopology, numTrustedProxies: 2 },
    proxyHeaders: { ...proxyHeaders, clientCertDetails: { ...proxyHeaders.clientCertDetails, dns: false } },
  })
})

test('all that is wrong with it, and all that is not honoured, is told', () => {
  const { problems } = parse(
    'gatewayTopology: {numTrustedProxies: -1, proxyProtocol: {version: V2}}\n' +
      'proxyHeaders: {server: {value: "a\\nb"}, setCurrentClientCertDetails: {chain: true}, forwardedClientCert: FORWARD}\n' +
      'tracing: {}\ninterceptionMode: TPROXY\nconcurrency: 1000\ndrainDuration: 1.5s',
  )
  assert.deepEqual(
    problems.map(problem => formatProblem(problem).split(': ').slice(1, 3).join(': ')),
    [
      'error WEFT-1007 MeshConfig defaultConfig.interceptionMode: the value TPROXY is not supported yet',
      'error WEFT-1005 MeshConfig defaultConfig.concurrency: 1000 is not between 0 and 128',
      'error WEFT-1005 MeshConfig defaultConfig.drainDuration: must be in whole seconds',
      'error WEFT-1007 MeshConfig defaultConfig.tracing: tracing is not supported yet',
      'error WEFT-1003 MeshConfig defaultConfig.gatewayTopology.proxyProtocol.version: unknown field',
      'error WEFT-1005 MeshConfig defaultConfig.gatewayTopology.numTrustedProxies: -1 is not between 0 and 4294967295',
      'error WEFT-1005 MeshConfig defaultConfig.proxyHeaders.forwardedClientCert: "FORWARD" is not one of UNDEFINED, ' +
        'SANITIZE, FORWARD_ONLY, APPEND_FORWARD, SANITIZE_SET, ALWAYS_FORWARD_ONLY',
      'error WEFT-1007 MeshConfig defaultConfig.proxyHeaders.setCurrentClientCertDetails.chain: chain is not supported yet',
      'error WEFT-1005 MeshConfig defaultConfig.proxyHeaders.server.value: must not hold control characters',
    ],
  )
})
