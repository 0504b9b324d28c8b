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
