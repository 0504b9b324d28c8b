// Operations on the mesh as a whole: itself, its tokens, its proxies and what they are sent.
import type { JsonValue } from '@bufbuild/protobuf'
import type { Problem } from '../../base/problem.ts'
import { NO_LOCALITY } from '../../model/locality.ts'
import type { ProxyProcessConfig } from '../../model/proxy-config.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import { resourceToJson } from '../../xds/message-registry.ts'
import { type ResourceType, SEND_ORDER } from '../../xds/type-url.ts'
import type { JoinTokens, TokenGrant } from '../ca/join-tokens.ts'
import type { Registry } from '../registry/registry.ts'
import { SCHEMAS } from '../snapshot/resource-encoder.ts'
import type { SnapshotSource } from '../snapshot/snapshot-source.ts'
import type { ProxyStatuses } from '../status/propagation.ts'
import { type ProxyStatus, SHORT_NAME } from '../status/proxy-status.ts'
import { ApiError } from './api-error.ts'
import { isoTime, NAME_SCHEMA, NAMESPACE_SCHEMA, namedParameters, type Operation, ok } from './operation.ts'
import { list, object, PROBLEM_SCHEMA, record } from './schemas.ts'

export interface MeshFacts {
  readonly version: string
  readonly trustDomain: string
  readonly api: string
  readonly xds: string
  readonly join: string
  readonly pid: number
  readonly startedAt: string
  readonly trustBundle: string
  /** How its proxies are to be started. */
  readonly proxies: ProxyProcessConfig
}

/** State of the watched directory. */
export interface SourceState {
  /** Null: none is watched. */
  readonly directory: string | null
  /** When it was last taken over, milliseconds since the epoch; null: never. */
  readonly lastLoadedAt: number | null
  /** Revision in effect after that. */
  readonly revision: number
  /** Why its present content is not in effect. */
  readonly problems: readonly Problem[]
}

export interface MeshOperationParts {
  readonly facts: () => MeshFacts
  readonly revision: () => number
  readonly source: () => SourceState
  readonly tokens: JoinTokens
  readonly registry: Registry
  readonly proxies: ProxyStatuses
  readonly snapshots: SnapshotSource
}

export function meshOperations(parts: MeshOperationParts): readonly Operation[] {
  return [...ownOperations(parts), ...proxyOperations(parts)]
}

function ownOperations({ facts, revision, source, tokens }: MeshOperationParts): readonly Operation[] {
  const string = { type: 'string' } as const
  return [
    {
      id: 'getMesh',
      method: 'GET',
      path: '/v1/mesh',
      tag: 'Mesh',
      summary: 'Get the mesh: addresses, revision, trust bundle',
      answer: {
        status: 200,
        description: 'The mesh.',
        schema: record({
          ...{ version: string, trustDomain: string, revision: { type: 'integer' }, trustBundle: string },
          proxies: record({
            concurrency: { type: ['integer', 'null'] },
            drainDurationMs: { type: 'integer' },
            terminationDrainDurationMs: { type: 'integer' },
          }),
        }),
      },
      handle: () => {
        const { trustBundle, ...rest } = facts()
        return ok({ ...rest, revision: revision(), trustBundle })
      },
    },
    {
      id: 'createToken',
      method: 'POST',
      path: '/v1/tokens',
      tag: 'Mesh',
      summary: 'Mint a one-time join token',
      description: 'Admits one workload, within ten minutes, under one identity.',
      operatorOnly: true,
      body: {
        schema: object({ namespace: NAMESPACE_SCHEMA, name: NAME_SCHEMA, serviceAccount: NAME_SCHEMA }, [
          'namespace',
          'name',
          'serviceAccount',
        ]),
        example: { namespace: 'default', name: 'reviews-v1-0', serviceAccount: 'bookinfo-reviews' },
      },
      answer: { status: 200, description: 'The token.', schema: record({ token: string, expiresAt: string }) },
      errors: { 401: 'The operator token is absent or wrong.' },
      handle: ({ body }) => {
        const { token, expiresAt } = tokens.mint(body as TokenGrant)
        return ok({ token, expiresAt: isoTime(expiresAt) })
      },
    },
    {
      id: 'getSources',
      method: 'GET',
      path: '/v1/sources',
      tag: 'Config',
      summary: 'See the state of the watched directory',
      answer: {
        status: 200,
        description: 'Problems name why the present content of the directory is not in effect.',
        schema: record({ directory: { type: ['string', 'null'] }, problems: list(PROBLEM_SCHEMA) }),
      },
      handle: () => {
        const state = source()
        return ok({ ...state, lastLoadedAt: state.lastLoadedAt === null ? null : isoTime(state.lastLoadedAt) })
      },
    },
  ]
}

function proxyOperations({ proxies, registry, snapshots }: MeshOperationParts): readonly Operation[] {
  return [
    {
      id: 'listProxies',
      method: 'GET',
      path: '/v1/proxies',
      tag: 'Proxies',
      summary: 'List the connected proxies and what they acknowledged',
      answer: { status: 200, description: 'One entry per stream.', schema: record({ proxies: list(record({})) }) },
      handle: () => ok({ proxies: proxies.statuses.map(describeStatus) }),
    },
    {
      id: 'getResources',
      method: 'GET',
      path: '/v1/resources/{namespace}/{workload}',
      tag: 'Proxies',
      summary: 'See the xDS resources made for a workload',
      description: "Each with the config objects that it comes from. The workload's proxy need not be connected.",
      parameters: namedParameters('workload').map(one => (one.name === 'name' ? { ...one, name: 'workload' } : one)),
      answer: { status: 200, description: 'Resources by type.', schema: record({}) },
      errors: { 404: 'No such workload.' },
      examplePath: '/v1/resources/default/reviews-v1-0',
      handle: ({ path }) => {
        const [namespace = '', name = ''] = [path['namespace'], path['workload']]
        const workload = registry.workloadForProxy({ namespace, name })
        if (workload === null) throw new ApiError(404, 'WEFT-2008', `no instance ${namespace}/${name}`)
        const kind = workload.proxy?.kind ?? 'sidecar'
        const node: ProxyNode = {
          id: `${kind}~${workload.address}~${name}.${namespace}~${namespace}.svc`,
          kind,
          name,
          namespace,
          labels: workload.labels,
          locality: workload.locality ?? NO_LOCALITY,
          workload,
        }
        const { clusters, endpoints, listeners, routes } = snapshots.resourcesFor(node, 'envoy')
        return ok({
          revision: snapshots.revision,
          clusters: clusters.map(one => describeResource('cluster', one)),
          endpoints: endpoints.map(one => describeResource('endpoint', one)),
          listeners: listeners.map(one => describeResource('listener', one)),
          routes: routes.map(one => describeResource('route', one)),
        })
      },
    },
  ]
}

function describeResource(type: ResourceType, { name, message, origins }: XdsResource): Record<string, unknown> {
  let resource: JsonValue
  try {
    resource = resourceToJson(SCHEMAS[type], message)
  } catch (error) {
    // An extension that this version cannot show must not hide the rest.
    resource = { error: (error as Error).message }
  }
  return { name, origins, resource }
}

function describeStatus(status: ProxyStatus): Record<string, unknown> {
  const { connectedAt, ...identity } = status.identity
  const types: Record<string, unknown> = {}
  for (const type of SEND_ORDER) {
    const { at, ...rest } = status.type(type)
    types[SHORT_NAME[type]] = { ...rest, at: at === 0 ? '' : isoTime(at) }
  }
  return { ...identity, connectedAt: isoTime(connectedAt), types }
}
