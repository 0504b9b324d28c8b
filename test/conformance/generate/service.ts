// Services: ServiceEntries of every resolution that needs no name server, with the upstreams behind them.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import fc from 'fast-check'
import type { UpstreamBehaviour } from '../case-file.ts'
import type { ConfigDocument } from './document.ts'
import { type Arbitrary, DOMAIN, NAMESPACES, SERVICE_PORTS, weighted } from './words.ts'

export const VERSIONS = ['v1', 'v2'] as const

/** Answers; refuses connections; answers 503; answers late. */
type Health = 'well' | 'dead' | 'failing' | 'slow'
/** Far above the shortest timeout of a rule, and far below the others. */
const SLOW_MS = 700

export interface GeneratedService {
  readonly host: string
  readonly namespace: string
  readonly ports: readonly number[]
  readonly documents: readonly ConfigDocument[]
  readonly upstreams: Readonly<Record<string, UpstreamBehaviour>>
}

interface Shape {
  readonly ports: readonly number[]
  readonly versions: readonly string[]
  readonly health: Health
  readonly exportTo: readonly string[] | null
  readonly resolution: 'STATIC' | 'DNS' | 'selector'
  readonly targetPort: number | null
  readonly address: boolean
}

const exportTo: Arbitrary<readonly string[] | null> = weighted<readonly string[] | null>(
  [10, fc.constant(null)],
  [1, fc.constantFrom<readonly string[]>(['*'], ['.'], ['shop'], ['default', 'infra'])],
)

const shape: Arbitrary<Shape> = fc.record<Shape>({
  ports: fc.constantFrom<readonly number[]>([8080], [8080], [8080], [8081], [80], [8080, 8081], [80, 8080]),
  versions: fc.constantFrom<readonly string[]>(['v1'], VERSIONS, VERSIONS),
  health: weighted<Health>(
    [12, fc.constant('well')],
    [2, fc.constantFrom('dead', 'failing')],
    [1, fc.constant('slow')],
  ),
  exportTo,
  resolution: weighted<Shape['resolution']>([6, fc.constant('STATIC')], [1, fc.constantFrom('DNS', 'selector')]),
  targetPort: weighted<number | null>([4, fc.constant(null)], [1, fc.constant(9000)]),
  address: fc.constantFrom(false, false, false, true),
})

const meshName = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom(...NAMESPACES))

/** Of the mesh, and outside it: names of other domains, of several names, of any name below one. */
export const services: Arbitrary<readonly GeneratedService[]> = fc
  .record({
    names: fc.uniqueArray(meshName, {
      minLength: 8,
      maxLength: 11,
      selector: ([name, namespace]) => `${name}.${namespace}`,
    }),
    shapes: fc.array(shape, { minLength: 14, maxLength: 14 }),
    outside: fc.subarray([['api.example.com', 'www.example.com'], ['*.wild.example.com'], ['db.other.test']]),
  })
  .map(({ names, shapes, outside }) => [
    ...names.map(([name, namespace], index) =>
      service(index + 1, `${name}-${namespace}`, namespace, [`${name}.${namespace}.${DOMAIN}`], shapes[index]!),
    ),
    ...outside.map((hosts, index) =>
      service(20 + index, `outside-${index}`, NAMESPACES[index % NAMESPACES.length]!, hosts, {
        ...shapes[names.length + index]!,
        resolution: 'STATIC',
        address: false,
      }),
    ),
  ])

function service(
  index: number,
  name: string,
  namespace: string,
  hosts: readonly string[],
  { ports, versions, health, exportTo, resolution, targetPort, address }: Shape,
): GeneratedService {
  const app = `s${index}`
  const endpoints = versions.map((version, at) => ({
    address: `127.1.${index}.${at + 1}`,
    labels: { app, version },
  }))
  const portOf = (number: number): number => (targetPort === null ? number : targetPort + (number % 100))
  const spec: JsonObject = {
    hosts: [...hosts],
    ...(address ? { addresses: [`240.0.0.${index}`] } : {}),
    ports: ports.map(number => ({
      number,
      name: `http-${number}`,
      protocol: 'HTTP',
      ...(targetPort === null ? {} : { targetPort: portOf(number) }),
    })),
    location: index < 20 ? 'MESH_INTERNAL' : 'MESH_EXTERNAL',
    resolution: resolution === 'selector' ? 'STATIC' : resolution,
    ...(resolution === 'selector'
      ? { workloadSelector: { labels: { app } } }
      : { endpoints: endpoints as unknown as JsonValue }),
    ...(exportTo === null ? {} : { exportTo: [...exportTo] }),
  }
  const entries =
    resolution === 'selector'
      ? endpoints.map((spec, at): ConfigDocument => ({ kind: 'WorkloadEntry', namespace, name: `${name}-${at}`, spec }))
      : []
  const addresses = endpoints.flatMap(endpoint => ports.map(number => `${endpoint.address}:${portOf(number)}`))
  return {
    host: hosts[0]!,
    namespace,
    ports,
    documents: [{ kind: 'ServiceEntry', namespace, name, spec }, ...entries],
    upstreams: Object.fromEntries(
      health === 'dead' ? [] : addresses.map(at => [at, { name: hosts[0]!, ...behaviourOf(health) }]),
    ),
  }
}

function behaviourOf(health: Health): Partial<UpstreamBehaviour> {
  if (health === 'failing') return { status: 503 }
  return health === 'slow' ? { delayMs: SLOW_MS } : {}
}

/** The ports that a sidecar has listeners for. */
export function portsOf(all: readonly GeneratedService[]): readonly number[] {
  return SERVICE_PORTS.filter(port => all.some(({ ports }) => ports.includes(port)))
}
