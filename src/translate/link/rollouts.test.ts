// What rollouts make of rules, and of what their authors said besides.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_MESH_CONFIG } from '../../model/mesh-config.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { emit } from '../emit/emit.ts'
import { parseConfig } from '../parse-config.ts'
import { link } from './link.ts'

const SERVICES = ['reviews', 'ratings']
  .map(
    name => `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${name} }
spec: { host: ${name}, subsets: [{ name: v1, labels: { v: "1" } }, { name: v2, labels: { v: "2" } }, { name: v3, labels: { v: "3" } }] }
---
`,
  )
  .join('')
const ROLLOUT = `apiVersion: weft.dev/v1alpha1
kind: Rollout
metadata: { name: r }
spec: { host: reviews, stable: v1, canary: v2, steps: [{ weight: 10, hold: 1m }], thresholds: { successRate: 99 } }
---
`
const rules = (spec: string, metadata = '{ name: a }'): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: ${metadata}\nspec: ${spec}\n---\n`

function meshOf(text: string, canaryWeight: number) {
  const sources = [{ file: 'a.yaml', text: SERVICES + ROLLOUT + text }]
  const { objects, problems } = parseConfig(sources, { defaultNamespace: 'default' })
  assert.deepEqual(problems, [])
  const canaryWeights = new Map([
    ['default/r', canaryWeight],
    ['default/s', 50],
  ])
  return link({ objects, services: [], workloads: [], meshConfig: DEFAULT_MESH_CONFIG, canaryWeights })
}

/** Of the first route of the host for a client: its clusters' weights by subset, or `HOST subset` of another host. */
function shares(text: string, canaryWeight = 10, namespace = 'default', host = 'reviews'): Record<string, number> {
  const mesh = meshOf(text, canaryWeight)
  const locality = { region: '', zone: '', subZone: '' }
  const common = { id: 'x', name: 'x', namespace, labels: {}, locality, workload: null }
  const resources = emit(mesh, { ...common, kind: 'sidecar' }).routes
  const hosts = resources.flatMap(({ message }) => (message as RouteConfiguration).virtualHosts)
  const found = hosts.find(({ name }) => name.startsWith(`${host}.`))
  const [route] = found?.routes ?? []
  assert.equal(route?.action.case, 'route')
  const { clusterSpecifier } = route.action.value as { clusterSpecifier: { case?: string; value?: unknown } }
  const short = (cluster: string): string => {
    const [, , subset = '', full = ''] = cluster.split('|')
    const name = full.split('.')[0]!
    return name === 'reviews' ? subset : `${name} ${subset}`.trim()
  }
  if (clusterSpecifier.case === 'cluster') return { [short(String(clusterSpecifier.value))]: 1 }
  const { clusters } = clusterSpecifier.value as { clusters: { name: string; weight: number }[] }
  return Object.fromEntries(clusters.map(({ name, weight }) => [short(name), weight]))
}

test('a service without rules gets one, which goes with the weight', () => {
  assert.deepEqual(shares(''), { v1: 90, v2: 10 })
  assert.deepEqual(shares('', 0), { v1: 1 })
  assert.deepEqual(shares('', 100), { v2: 1 })
  assert.deepEqual(shares('', 10, 'elsewhere'), { v1: 90, v2: 10 })
  assert.deepEqual(shares('', 10, 'default', 'ratings'), { ratings: 1 })
})

test('rules for the host, of whichever namespace, share what they send to the stable subset or to none', () => {
  const to = (subset: string): string =>
    rules(`{ hosts: [reviews], http: [{ route: [{ destination: { host: reviews${subset} } }] }] }`)
  assert.deepEqual(shares(to('')), { v1: 90, v2: 10 })
  assert.deepEqual(shares(to(', subset: v1')), { v1: 90, v2: 10 })
  assert.deepEqual(shares(to(', subset: v3')), { v3: 1 })
  assert.deepEqual(shares(to(', subset: v2')), { v2: 1 })
  const full = 'reviews.default.svc.cluster.local'
  const theirs = rules(
    `{ hosts: [${full}], exportTo: ["."], http: [{ route: [{ destination: { host: ${full}, subset: v1 } }] }] }`,
    '{ name: b, namespace: other }',
  )
  assert.deepEqual(shares(theirs, 20, 'other'), { v1: 80, v2: 20 })
})

/** Of a rule with these destinations: what it sends where, as `SERVICE:PORT SUBSET HEADER`. */
function sharesOf(destinations: string, text = ''): Record<string, number> {
  const rule = rules(`{ hosts: [reviews], http: [{ route: [${destinations}] }] }`)
  const [route] = meshOf(rule + text, 10).virtualServices[0]!.http
  assert.equal(route?.action.kind, 'route')
  return Object.fromEntries(
    route.action.destinations.map(({ destination: { host, port, subset }, weight, headers }) => [
      `${host}:${port ?? ''} ${subset} ${headers.request.set['arm'] ?? ''}`.trim(),
      weight,
    ]),
  )
}

test('requests keep their port, and what their destination does to headers', () => {
  const to = (port: number, more: string): string =>
    `{ destination: { host: reviews, port: { number: ${port} } }, weight: ${more} }`
  const marked = '50, headers: { request: { set: { arm: b } } }'
  assert.deepEqual(sharesOf(`${to(9080, '50')}, ${to(9081, marked)}`), {
    'reviews:9080 v1': 4500,
    'reviews:9080 v2': 500,
    'reviews:9081 v1 b': 4500,
    'reviews:9081 v2 b': 500,
  })
})

test('a rule that two Rollouts have a say about is shared out for both', () => {
  const other = ROLLOUT.replace('name: r', 'name: s').replace('host: reviews', 'host: ratings')
  const to = (host: string): string => `{ destination: { host: ${host}, subset: v1 }, weight: 50 }`
  const written = `${to('reviews')}, ${to('ratings')}`
  assert.deepEqual(sharesOf(written, other), {
    'reviews: v1': 4500,
    'reviews: v2': 500,
    'ratings: v1': 2500,
    'ratings: v2': 2500,
  })
})

test('delegates’ rules are shared out, too', () => {
  const root = rules('{ hosts: [reviews], http: [{ delegate: { name: d } }] }')
  const delegate = rules('{ http: [{ route: [{ destination: { host: reviews } }] }] }', '{ name: d }')
  assert.deepEqual(shares(root + delegate), { v1: 90, v2: 10 })
})

test('rules for a wildcard that take the requests of the service are not overridden by one of its own', () => {
  const wildcard = rules(
    '{ hosts: ["*.default.svc.cluster.local"], http: [{ route: [{ destination: { host: ratings } }] }] }',
  )
  assert.deepEqual(shares(wildcard), { ratings: 1 })
  assert.deepEqual(
    meshOf(wildcard, 10).problems.map(({ code, message }) => `${code} ${message}`),
    [
      'WEFT-1131 VirtualService default/a takes the requests for "reviews.default.svc.cluster.local" by a wildcard, and sends none to "v1"',
    ],
  )
})

test('somebody’s wildcard that only they see is nothing to others', () => {
  const theirs = rules(
    '{ hosts: ["*.cluster.local"], exportTo: ["."], http: [{ route: [{ destination: { host: ratings.default.svc.cluster.local } }] }] }',
    '{ name: w, namespace: other }',
  )
  assert.deepEqual(shares(theirs), { v1: 90, v2: 10 })
  assert.deepEqual(shares(theirs, 10, 'other'), { ratings: 1 })
  const sidecar = `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: default, namespace: other }
spec: { egress: [{ hosts: ["default/*"] }] }
---
`
  assert.deepEqual(shares(theirs + sidecar, 10, 'other'), { v1: 90, v2: 10 })
})

test('however a rule shares its requests, the two share their part by the weight and others keep theirs', () => {
  const weight = fc.integer({ min: 0, max: 1000 })
  const property = fc.property(
    fc.record({ v1: weight, v2: weight, v3: weight, ratings: weight }),
    fc.integer({ min: 0, max: 100 }),
    (written, canary) => {
      fc.pre(Object.values(written).some(one => one > 0))
      const destination = (host: string, subset: string, one: number): string =>
        `{ destination: { host: ${host}, subset: ${subset} }, weight: ${one} }`
      const route = [
        destination('reviews', 'v1', written.v1),
        destination('reviews', 'v2', written.v2),
        destination('reviews', 'v3', written.v3),
        destination('ratings', 'v1', written.ratings),
      ]
      const made = shares(rules(`{ hosts: [reviews], http: [{ route: [${route.join(', ')}] }] }`), canary)
      const sum = (values: Record<string, number>): number => Object.values(values).reduce((a, b) => a + b, 0)
      const total = sum(written)
      const share = (name: string): number => (made[name] ?? 0) / sum(made)
      const both = (written.v1 + written.v2) / total
      assert.ok(Math.abs(share('v1') - (both * (100 - canary)) / 100) < 1e-9)
      assert.ok(Math.abs(share('v2') - (both * canary) / 100) < 1e-9)
      assert.ok(Math.abs(share('v3') - written.v3 / total) < 1e-9)
      assert.ok(Math.abs(share('ratings v1') - written.ratings / total) < 1e-9)
    },
  )
  fc.assert(property, { numRuns: 100 })
})
