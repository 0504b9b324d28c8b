// The generator itself: what it makes is what it made before, and config that Weft takes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../../src/base/problem.ts'
import { parseConfig } from '../../../src/translate/parse-config.ts'
import { linkCase, nodeOf } from '../replay/linked-case.ts'
import { MeshProxy } from '../replay/mesh-proxy.ts'
import { generateBatch, type Size } from './batch.ts'

const SIZE: Size = { virtualServices: 46, requestsEach: 2 }
const SEEDS = Array.from({ length: 24 }, (_, index) => index + 1)

test('one seed is one batch', () => {
  assert.deepEqual(generateBatch(7, SIZE), generateBatch(7, SIZE))
  assert.notDeepEqual(generateBatch(7, SIZE).documents, generateBatch(8, SIZE).documents)
})

test('every batch is config without an error', () => {
  for (const seed of SEEDS) {
    const { config } = generateBatch(seed, SIZE).file
    const { problems } = parseConfig([{ file: `${seed}`, text: config.join('\n') }], { defaultNamespace: 'default' })
    assert.deepEqual(problems.filter(({ severity }) => severity === 'error').map(formatProblem), [])
  }
})

test('every proxy of a batch takes what is made for it', async () => {
  for (const seed of [1, 2]) {
    const { file } = generateBatch(seed, SIZE)
    const mesh = linkCase(file)
    for (const [name, proxy] of Object.entries(file.proxies))
      await (await MeshProxy.start(mesh, nodeOf(name, proxy), new Map())).stop()
  }
})

test('what is generated has every part of the API that the comparison is about', () => {
  const text = SEEDS.map(seed => JSON.stringify(generateBatch(seed, SIZE).documents)).join('')
  const fields = [
    'uri scheme method authority headers withoutHeaders queryParams port ignoreUriCase sourceLabels sourceNamespace',
    'gateways statPrefix exact prefix regex route redirect directResponse delegate rewrite uriRegexRewrite timeout retries',
    'fault delay abort mirrors corsPolicy weight subset exportTo workloadSelector portLevelSettings subsets egress',
    'outboundTrafficPolicy httpsRedirect addresses targetPort derivePort redirectCode perTryTimeout unmatchedPreflights',
  ]
  const missing = fields.flatMap(line => line.split(' ')).filter(field => !text.includes(`"${field}":`))
  assert.deepEqual(missing, [])
})

test('requests are for all proxies; in every eighth batch they are repeated', () => {
  const { file } = generateBatch(3, SIZE)
  assert.deepEqual(Object.keys(file.proxies), ['client-a', 'client-b', 'edge', 'inner'])
  assert.ok(file.requests.every(({ repeat }) => repeat === undefined))
  assert.ok(generateBatch(16, SIZE).file.requests.every(({ repeat }) => repeat !== undefined))
})
