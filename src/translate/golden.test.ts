// Both borders pinned: YAML to the model, and the model to xDS. `npm run golden` rewrites what is expected.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatProblem } from '../base/problem.ts'
import type { ProxyNode } from '../model/proxy-node.ts'
import type { RegistryService } from '../model/registry-service.ts'
import type { Workload } from '../model/workload.ts'
import { WORKLOAD } from '../model/workload-fixture.ts'
import { resourceToJson } from '../xds/message-registry.ts'
import { RESOURCE_SCHEMA } from '../xds/resource-message.ts'
import { emit } from './emit/emit.ts'
import { link } from './link/link.ts'
import { parseConfig } from './parse-config.ts'
import { parseMeshConfig } from './parse-mesh-config.ts'

const TESTDATA = join(import.meta.dirname, 'testdata')

function matchGolden(file: string, value: unknown): void {
  const text = `${JSON.stringify(value, readable, 1)}\n`
  if (process.env['UPDATE_GOLDEN']) {
    writeFileSync(file, text)
    return
  }
  assert.ok(existsSync(file), `${file} is missing: npm run golden writes it`)
  assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, 'utf8')), `${file}: npm run golden rewrites it`)
}

/** Bytes as text, and no positions of parts: the problems, which have them, are checked as text. */
function readable(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return key === 'position' || key === 'hostPosition' ? undefined : value
}

for (const name of readdirSync(join(TESTDATA, 'parse')).filter(file => file.endsWith('.yaml')))
  test(`${name} becomes the model, or its problems`, () => {
    const text = readFileSync(join(TESTDATA, 'parse', name), 'utf8')
    const { objects, problems } = parseConfig([{ file: name, text }], { defaultNamespace: 'default' })
    const model = objects.map(({ text: _text, ...object }) => object)
    matchGolden(join(TESTDATA, 'parse', name.replace('.yaml', '.json')), {
      objects: model,
      problems: problems.map(formatProblem),
    })
  })

interface Scenario {
  readonly mesh?: string
  readonly services?: readonly RegistryService[]
  readonly workloads: readonly (Partial<Workload> & Pick<Workload, 'name'>)[]
  /** Percent, by `namespace/name` of Rollouts. */
  readonly canaryWeights?: Readonly<Record<string, number>>
  /** Names of workloads; a name without a workload is a sidecar without one. */
  readonly nodes: readonly string[]
}

for (const name of readdirSync(join(TESTDATA, 'emit')))
  test(`${name} becomes xDS`, () => {
    const directory = join(TESTDATA, 'emit', name)
    const scenario: Scenario = JSON.parse(readFileSync(join(directory, 'scenario.json'), 'utf8'))
    const text = readFileSync(join(directory, 'config.yaml'), 'utf8')
    const { objects, problems } = parseConfig([{ file: 'config.yaml', text }], { defaultNamespace: 'default' })
    const { meshConfig } = parseMeshConfig({ file: 'mesh.yaml', text: scenario.mesh ?? '' })
    const workloads = scenario.workloads.map(workload => ({ ...WORKLOAD, ...workload }))
    const { services = [], canaryWeights = {} } = scenario
    const weights = new Map(Object.entries(canaryWeights))
    const mesh = link({ objects, services, workloads, meshConfig, canaryWeights: weights })
    matchGolden(join(directory, 'problems.json'), [...problems, ...mesh.problems].map(formatProblem))
    for (const nodeName of scenario.nodes) {
      const resources = emit(mesh, nodeOf(nodeName, workloads))
      const json = (type: keyof typeof RESOURCE_SCHEMA, list: readonly (typeof resources.clusters)[number][]) =>
        Object.fromEntries(list.map(({ name: key, message }) => [key, resourceToJson(RESOURCE_SCHEMA[type], message)]))
      matchGolden(join(directory, `${nodeName}.json`), {
        listeners: json('listener', resources.listeners),
        routes: json('route', resources.routes),
        clusters: json('cluster', resources.clusters),
        endpoints: json('endpoint', resources.endpoints),
      })
    }
  })

function nodeOf(name: string, workloads: readonly Workload[]): ProxyNode {
  const workload = workloads.find(candidate => candidate.name === name) ?? null
  const namespace = workload?.namespace ?? 'default'
  const kind = workload?.proxy?.kind ?? 'sidecar'
  const id = `${kind}~127.0.0.1~${name}.${namespace}~${namespace}.svc.cluster.local`
  const labels = workload?.labels ?? {}
  return { id, kind, name, namespace, labels, locality: (workload ?? WORKLOAD).locality, workload }
}
