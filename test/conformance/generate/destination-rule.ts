// DestinationRules: for services by every form of their names, with subsets, and policies at each level.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { ConfigDocument } from './document.ts'
import type { GeneratedService } from './service.ts'
import { type Arbitrary, DOMAIN, NAMESPACES, ROOT_NAMESPACE, seldom, weighted } from './words.ts'

/** Those of the first three take one endpoint, those of the others all there are, or none. */
export const SUBSETS = ['v1', 'v2', 'canary', 'all', 'none'] as const

const labelsOf: Readonly<Record<(typeof SUBSETS)[number], readonly JsonObject[]>> = {
  v1: [{ version: 'v1' }, { version: 'v1' }, { version: 'v2' }],
  v2: [{ version: 'v2' }],
  canary: [{ version: 'v2' }, { version: 'v1' }],
  all: [{}],
  none: [{ version: 'v9' }],
}

const HASH: Arbitrary<JsonObject> = fc.constantFrom<JsonObject[]>(
  { httpHeaderName: 'x-user' },
  { httpQueryParameterName: 'p' },
  { httpHeaderName: 'x-user', maglev: { tableSize: 101 } },
)

/** Where each request has one outcome, a policy must not change it: it is there to be merged. */
function blocks(shares: boolean): Arbitrary<JsonObject> {
  const balancer: Arbitrary<JsonObject> = shares
    ? weighted(
        [
          2,
          fc.constantFrom<JsonObject[]>({ simple: 'RANDOM' }, { simple: 'LEAST_REQUEST' }, { simple: 'ROUND_ROBIN' }),
        ],
        [2, HASH.map((consistentHash): JsonObject => ({ consistentHash }))],
      )
    : fc.constantFrom<JsonObject[]>({ simple: 'RANDOM' }, { simple: 'ROUND_ROBIN' })
  return fc.oneof(
    balancer.map((loadBalancer): JsonObject => ({ loadBalancer })),
    fc.constant<JsonObject>({ connectionPool: { http: { maxRequestsPerConnection: 1 } } }),
    seldom(4, fc.constant<JsonObject>({ connectionPool: { http: { h2UpgradePolicy: 'UPGRADE' } } })).map(own =>
      'connectionPool' in own ? own : { outlierDetection: { consecutive5xxErrors: 1000 } },
    ),
    fc.constant<JsonObject>({ connectionPool: { tcp: { connectTimeout: '3s' } }, tls: { mode: 'DISABLE' } }),
  )
}

function policy(shares: boolean): Arbitrary<JsonObject> {
  return fc
    .record({
      own: blocks(shares),
      ports: fc.uniqueArray(fc.constantFrom(80, 8080, 8081), { maxLength: 2 }),
      each: blocks(shares),
    })
    .map(({ own, ports, each }): JsonObject => {
      const settings = ports.map(number => ({ port: { number }, ...each }))
      return { trafficPolicy: { ...own, ...(ports.length === 0 ? {} : { portLevelSettings: settings }) } }
    })
}

function subset(shares: boolean): Arbitrary<JsonObject> {
  return fc
    .constantFrom(...SUBSETS)
    .chain(name =>
      fc
        .tuple(fc.constantFrom(...labelsOf[name]), seldom(4, policy(shares)))
        .map(([labels, own]): JsonObject => ({ name, labels, ...own })),
    )
}

const audience: Arbitrary<JsonObject> = weighted<JsonObject>(
  [8, fc.constant({})],
  [2, fc.constantFrom<JsonObject[]>({ exportTo: ['.'] }, { exportTo: ['*'] }, { exportTo: ['shop', 'infra'] })],
  [1, fc.constant({ workloadSelector: { matchLabels: { tier: 'front' } }, exportTo: ['.'] })],
)

/** What most rules count on: the two versions of a service, by its whole name in its own namespace. */
function usual({ host, namespace }: GeneratedService, shares: boolean): Arbitrary<Omit<ConfigDocument, 'name'>> {
  const versions = ['v1', 'v2'].map((version): JsonObject => ({ name: version, labels: { version } }))
  return fc
    .tuple(seldom(4, policy(shares)), fc.uniqueArray(subset(shares), { maxLength: 2, selector: each => each['name'] }))
    .map(([policy, more]) => {
      const subsets = [...versions, ...more.filter(({ name }) => name !== 'v1' && name !== 'v2')]
      return { kind: 'DestinationRule', namespace, spec: { host, ...policy, subsets } }
    })
}

/** In any namespace, for a service by any of its names. */
function other(services: readonly GeneratedService[], shares: boolean): Arbitrary<Omit<ConfigDocument, 'name'>> {
  return fc
    .record({
      service: fc.constantFrom(...services),
      namespace: weighted<string | null>(
        [4, fc.constant(null)],
        [3, fc.constantFrom(...NAMESPACES)],
        [1, fc.constant(ROOT_NAMESPACE)],
      ),
      form: weighted<'full' | 'short' | 'namespace' | 'all'>(
        [6, fc.constant('full')],
        [3, fc.constant('short')],
        [1, fc.constantFrom('namespace', 'all')],
      ),
      subsets: fc.uniqueArray(subset(shares), { maxLength: 4, selector: each => each['name'] }),
      policy: seldom(2, policy(shares)),
      audience,
    })
    .map(({ service, namespace, form, subsets, policy, audience }) => {
      const host = hostIn(form, service)
      const spec = { host, ...policy, ...(subsets.length === 0 ? {} : { subsets: subsets as JsonValue }), ...audience }
      return { kind: 'DestinationRule', namespace: namespace ?? service.namespace, spec }
    })
}

/** Mostly the usual one for each service; and some besides, older or younger. */
export function destinationRules(
  services: readonly GeneratedService[],
  shares: boolean,
): Arbitrary<readonly ConfigDocument[]> {
  const own = services.map(service => fc.option(usual(service, shares), { freq: 5 }))
  const others = fc.array(fc.tuple(fc.constantFrom('m', 's'), other(services, shares)), { minLength: 2, maxLength: 8 })
  return fc.tuple(fc.tuple(...own), others).map(([usual, others]) => {
    const rules = [
      ...usual.flatMap((rule, index) => (rule ? [{ ...rule, name: numbered('r', index) }] : [])),
      ...others.map(([letter, rule], index) => ({ ...rule, name: numbered(letter, index) })),
    ]
    return rules.filter(rule => !('workloadSelector' in rule.spec) || !rules.some(other => swallows(rule, other)))
  })
}

/** Istio merges a private rule into one that selects workloads, and then has it for those alone (a recorded case). */
function swallows(selecting: ConfigDocument, { namespace, spec }: ConfigDocument): boolean {
  const isPrivate = JSON.stringify(spec['exportTo']) === '["."]' && !('workloadSelector' in spec)
  return isPrivate && namespace === selecting.namespace && firstLabel(spec) === firstLabel(selecting.spec)
}

/** The same for the short name and the whole. */
function firstLabel({ host }: JsonObject): string {
  return String(host).split('.')[0]!
}

/** In the order of the alphabet, which is that of age. */
export function numbered(letter: string, index: number): string {
  return `${letter}${String(index).padStart(3, '0')}`
}

function hostIn(form: 'full' | 'short' | 'namespace' | 'all', { host }: GeneratedService): string {
  const dot = host.indexOf('.')
  if (form === 'full' || !host.endsWith(`.${DOMAIN}`)) return host
  if (form === 'short') return host.slice(0, dot)
  return form === 'namespace' ? `*${host.slice(dot)}` : `*.${DOMAIN}`
}
