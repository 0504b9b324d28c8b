// VirtualServices: for sidecars, for gateways, for both, and delegates that others' rules name.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { ConfigDocument } from './document.ts'
import { DOMAINS, referencesTo } from './gateway.ts'
import { type Action, httpAction, nameOf } from './http-action.ts'
import { httpMatch } from './http-match.ts'
import type { GeneratedService } from './service.ts'
import { type Arbitrary, DOMAIN, GATEWAY_PORTS, NAMESPACES, SERVICE_PORTS, weighted } from './words.ts'

/** What is there for rules to name. */
export interface Surroundings {
  readonly services: readonly GeneratedService[]
  readonly gateways: readonly ConfigDocument[]
  readonly delegates: readonly ConfigDocument[]
  /** Chance may decide between destinations. */
  readonly shares: boolean
}

const PORTS = [...SERVICE_PORTS, ...GATEWAY_PORTS]
/** Istio refuses hosts of one object that hold one another. */
const overlaps = (one: string, other: string): boolean => one === other || holds(one, other) || holds(other, one)
const holds = (wildcard: string, host: string): boolean => wildcard.startsWith('*') && host.endsWith(wildcard.slice(1))

function apart(hosts: readonly string[]): readonly string[] {
  return hosts.filter((host, index) => !hosts.slice(0, index).some(earlier => overlaps(earlier, host)))
}

const exportTo: Arbitrary<JsonObject> = weighted<JsonObject>(
  [10, fc.constant({})],
  [3, fc.constantFrom<JsonObject[]>({ exportTo: ['.'] }, { exportTo: ['*'] }, { exportTo: ['shop', 'infra'] })],
)

/** Istio refuses them in rules for the mesh. */
const GATEWAYS_ONLY: ReadonlySet<string> = new Set(['*', '127.0.0.1'])

interface Place {
  readonly hosts: readonly string[]
  readonly gateways: readonly string[]
}

function meshHosts(services: readonly GeneratedService[], namespace: string): Arbitrary<readonly string[]> {
  const host = weighted(
    [
      20,
      fc.constantFrom(...services).chain(service => fc.oneof(fc.constant(service.host), nameOf(service, namespace))),
    ],
    [2, fc.constantFrom(...NAMESPACES).map(name => `*.${name}.${DOMAIN}`)],
    [2, fc.constantFrom(`*.${DOMAIN}`, '*.example.com', 'nowhere.example.com', 'nobody')],
  )
  return fc.array(host, { minLength: 1, maxLength: 2 })
}

function place({ services, gateways }: Surroundings, namespace: string): Arbitrary<Place> {
  const references = gateways.flatMap(gateway => referencesTo(gateway, namespace))
  const some = fc.uniqueArray(fc.constantFrom(...references), { minLength: 1, maxLength: 2 })
  const atGateways = fc.uniqueArray(fc.constantFrom(...DOMAINS), { minLength: 1, maxLength: 3 })
  const inMesh = meshHosts(services, namespace)
  return weighted<Place>(
    [8, inMesh.map(hosts => ({ hosts, gateways: [] }))],
    [1, inMesh.map(hosts => ({ hosts, gateways: ['mesh'] }))],
    [7, fc.record({ hosts: atGateways, gateways: some })],
    [
      2,
      fc.tuple(inMesh, atGateways, some).map(([mesh, domains, some]) => ({
        hosts: [...domains.filter(host => !GATEWAYS_ONLY.has(host)).slice(0, 2), ...mesh],
        gateways: ['mesh', ...some],
      })),
    ],
  ).map(({ hosts, gateways }) => ({ hosts: apart(hosts), gateways }))
}

const ACTIONS: Arbitrary<Action> = weighted<Action>(
  [12, fc.constant('route')],
  [2, fc.constant('redirect')],
  [2, fc.constant('directResponse')],
)

/** Mostly one that is there. */
function delegateOf(delegates: readonly ConfigDocument[]): Arbitrary<JsonObject> {
  const known = delegates.map(({ name, namespace }): JsonObject => ({ name, namespace }))
  return weighted(
    [20, fc.constantFrom(...known)],
    [1, fc.constantFrom<JsonObject[]>({ name: 'd0' }, { name: 'nobody' })],
  ).map(delegate => ({ delegate }))
}

function rule(
  { services, gateways, delegates, shares }: Surroundings,
  namespace: string,
  hosts: readonly string[],
  action: Action,
  all = false,
): Arbitrary<JsonObject> {
  const references = ['mesh', ...gateways.flatMap(gateway => referencesTo(gateway, namespace).slice(-1))]
  const bare = hosts.map(host => host.replace('*', 'a'))
  const match = httpMatch([...bare, ...bare.map(host => `${host}:8080`)], references, PORTS)
  return fc
    .tuple(
      fc.constantFrom<JsonObject[]>({ name: 'r1' }, { name: 'r2' }, { name: 'r3' }, {}),
      weighted<JsonObject>(
        [all ? 0 : 4, fc.array(match, { minLength: 1, maxLength: 2 }).map(blocks => ({ match: ofOneSource(blocks) }))],
        [1, fc.constant({})],
      ),
      httpAction(action, services, namespace, shares),
      action === 'delegate' ? delegateOf(delegates) : fc.constant<JsonObject>({}),
    )
    .map(parts => Object.assign({}, ...parts) as JsonObject)
}

/** Behind a Sidecar, Istio knows the destinations of a rule by the sourceNamespace of its last block (a recorded case). */
function ofOneSource(blocks: readonly JsonObject[]): JsonObject[] {
  const sourceNamespace = blocks.findLast(block => 'sourceNamespace' in block)?.['sourceNamespace']
  return blocks.map(block => (sourceNamespace === undefined ? block : { ...block, sourceNamespace }))
}

function rules(
  surroundings: Surroundings,
  namespace: string,
  hosts: readonly string[],
  actions: Arbitrary<Action>,
): Arbitrary<JsonValue[]> {
  const one = actions.chain(action => rule(surroundings, namespace, hosts, action))
  const last = actions.chain(action => rule(surroundings, namespace, hosts, action, true))
  return fc
    .tuple(fc.array(one, { minLength: 1, maxLength: 3 }), fc.option(last, { freq: 2 }))
    .map(([some, last]) => (last === null ? some : [...some, last]))
}

/** Without hosts: rules for others. */
export function delegates(surroundings: Surroundings, count: number): Arbitrary<readonly ConfigDocument[]> {
  const one = fc
    .constantFrom(...NAMESPACES)
    .chain(namespace =>
      fc
        .tuple(rules({ ...surroundings, delegates: [] }, namespace, ['shop.example.com'], ACTIONS), exportTo)
        .map(([http, audience]) => ({ kind: 'VirtualService' as const, namespace, spec: { http, ...audience } })),
    )
  return fc
    .array(one, { minLength: count, maxLength: count })
    .map(list => list.map((each, index) => ({ ...each, name: `d${index}` })))
}

export function virtualService(surroundings: Surroundings): Arbitrary<Omit<ConfigDocument, 'name'>> {
  const actions = weighted<Action>([6, ACTIONS], [1, fc.constant<Action>('delegate')])
  return fc.constantFrom(...NAMESPACES).chain(namespace =>
    place(surroundings, namespace).chain(({ hosts, gateways }) =>
      fc.tuple(rules(surroundings, namespace, hosts, actions), exportTo).map(([http, audience]) => ({
        kind: 'VirtualService' as const,
        namespace,
        spec: {
          hosts: [...hosts],
          ...(gateways.length === 0 ? {} : { gateways: [...gateways] }),
          http,
          ...audience,
        },
      })),
    ),
  )
}
