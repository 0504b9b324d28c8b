import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { envoyBootstrap } from './envoy-agent.ts'

const input = {
  workload: 'reviews-v1-0',
  namespace: 'default',
  serviceAccount: 'bookinfo-reviews',
  router: false,
  labels: { app: 'reviews', version: 'v1' },
  controlPlane: { host: '127.0.0.1', port: 15012 },
  stateDir: '.weft',
  adminPort: 15000,
}

interface Bootstrap {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: { readonly LABELS: object } }
  readonly static_resources: {
    readonly clusters: readonly { readonly name: string; readonly load_assignment: object }[]
  }
}

test('the node is of the form that the control plane reads, secrets come from the agent', async () => {
  const bootstrap = JSON.parse(await envoyBootstrap(input)) as Bootstrap
  assert.equal(bootstrap.node.id, 'sidecar~127.0.0.1~reviews-v1-0.default~default.svc.cluster.local')
  assert.equal(bootstrap.node.cluster, 'reviews.default')
  assert.deepEqual(bootstrap.node.metadata.LABELS, input.labels)
  assert.deepEqual(
    bootstrap.static_resources.clusters.map(({ name }) => name),
    ['xds-grpc', 'sds-grpc'],
  )
  assert.match(JSON.stringify(bootstrap.static_resources.clusters[1]), /proxies\/default\/reviews-v1-0\/sds\.sock/)
})

test('the path of the socket fits into an address, however deep the state and temporary files lie', async () => {
  const deep = `/${'deep/'.repeat(40)}`
  const { TMPDIR: before } = process.env
  for (const folder of ['/short', deep]) {
    process.env['TMPDIR'] = folder
    const text = await envoyBootstrap({ ...input, stateDir: deep }).finally(() => {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    })
    const path = /"path": "([^"]+)"/.exec(text)?.[1] ?? ''
    assert.match(path, folder === deep ? /^\/tmp\/weft-[0-9a-f]+\.sock$/ : /^\/short\/weft-[0-9a-f]+\.sock$/)
  }
})

const named = process.env['ENVOY'] ?? ''
const places = named ? [named] : (process.env['PATH'] ?? '').split(delimiter).map(place => join(place, 'envoy'))
const envoy = places.find(place => existsSync(place))

test('a real Envoy takes it', { skip: envoy === undefined && 'there is no Envoy' }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bootstrap-'))
  try {
    const file = join(folder, 'envoy.json')
    writeFileSync(file, await envoyBootstrap(input))
    execFileSync(envoy!, ['-c', file, '--mode', 'validate', '--log-level', 'error'], { stdio: 'pipe' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
