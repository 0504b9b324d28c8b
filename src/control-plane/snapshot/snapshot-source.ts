// From everything known (config, services, instances) to what each proxy is to know: pure steps, debounced, checked.
import { create } from '@bufbuild/protobuf'
import { bug } from '../../base/bug.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { formatProblem } from '../../base/problem.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { ProxyResources } from '../../model/proxy-resources.ts'
import { emit } from '../../translate/emit/emit.ts'
import { link } from '../../translate/link/link.ts'
import type { LinkedMesh } from '../../translate/link/linked-mesh.ts'
import type { MeshInput } from '../../translate/link/mesh-input.ts'
import { SecretSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { proxylessResources } from '../proxyless/proxyless-resources.ts'
import { findDanglingReferences } from './consistency.ts'
import { Debounce } from './debounce.ts'
import { ResourceEncoder } from './resource-encoder.ts'
import type { ProxySnapshot, ResourceSet } from './resource-set.ts'

/** Long enough for a deployment's burst of registrations, short enough not to be noticed. */
const DEBOUNCE = { quietMs: 10, maxMs: 100 }

const MAX_REMEMBERED = 10_000

/** Which form of resources a client of the xDS API understands. */
export type ResourceForm = 'envoy' | 'grpc'

export interface SnapshotSourceParts {
  readonly clock: Clock
  readonly log: Log
  /** The whole input as it is now. */
  readonly input: () => MeshInput
  /** Head of the config store. */
  readonly revision: () => number
  /** PEM. */
  readonly trustBundle: string
}

export class SnapshotSource {
  readonly #parts: SnapshotSourceParts
  readonly #encoder = new ResourceEncoder()
  readonly #debounce: Debounce
  readonly #listeners: (() => void)[] = []
  readonly #secrets: ResourceSet
  readonly #consistent = new Set<string>()
  #mesh: LinkedMesh
  #generation = 1
  #revision: number

  constructor(parts: SnapshotSourceParts) {
    this.#parts = parts
    this.#debounce = new Debounce(parts.clock, DEBOUNCE, () => this.rebuild())
    this.#secrets = this.#encoder.encodeSet('secret', [rootSecret(parts.trustBundle)])
    this.#revision = parts.revision()
    this.#mesh = link(parts.input())
  }

  get mesh(): LinkedMesh {
    return this.#mesh
  }

  get generation(): number {
    return this.#generation
  }

  /** The revision that the present generation was made from. */
  get revision(): number {
    return this.#revision
  }

  /** Called after each new generation. */
  onGeneration(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Something of the input has changed. */
  invalidate(): void {
    this.#debounce.trigger()
  }

  /** Makes the next generation now. */
  rebuild(): void {
    this.#debounce.cancel()
    const revision = this.#parts.revision()
    try {
      this.#mesh = link(this.#parts.input())
    } catch (error) {
      // The input is stored: ending here would end every restart, too. The mesh goes on as it was.
      bug(`linking revision ${revision} failed: ${describe(error)}`)
      return
    }
    this.#revision = revision
    this.#generation++
    this.#encoder.beginGeneration()
    for (const listener of this.#listeners) listener()
  }

  /** What a proxy would be told, with origins: for people. */
  resourcesFor(node: ProxyNode, form: ResourceForm): ProxyResources {
    const resources = emit(this.#mesh, node)
    return form === 'grpc' ? proxylessResources(resources) : resources
  }

  /** Null: the resources cannot be made or do not hold together, which is logged; the proxy is to keep what it has. */
  snapshotFor(node: ProxyNode, form: ResourceForm): ProxySnapshot | null {
    try {
      return this.#snapshotOf(node, this.resourcesFor(node, form))
    } catch (error) {
      bug(`making the resources of ${node.id} failed: ${describe(error)}`)
      return null
    }
  }

  #snapshotOf(node: ProxyNode, resources: ProxyResources): ProxySnapshot | null {
    const sets: ProxySnapshot['sets'] = {
      cluster: this.#encoder.encodeSet('cluster', resources.clusters),
      endpoint: this.#encoder.encodeSet('endpoint', resources.endpoints),
      secret: this.#secrets,
      listener: this.#encoder.encodeSet('listener', resources.listeners),
      route: this.#encoder.encodeSet('route', resources.routes),
    }
    if (!this.#isConsistent(node, resources, sets)) return null
    return { generation: this.#generation, revision: this.#revision, sets }
  }

  /** The same names and contents need no second look, whichever proxy and generation they are for. */
  #isConsistent(node: ProxyNode, resources: ProxyResources, sets: ProxySnapshot['sets']): boolean {
    const content = `${sets.cluster.version} ${sets.endpoint.version} ${sets.listener.version} ${sets.route.version}`
    if (this.#consistent.has(content)) return true
    const problems = findDanglingReferences(resources)
    for (const problem of problems.slice(0, 10))
      this.#parts.log.error('inconsistent snapshot held back', { proxy: node.id, problem: formatProblem(problem) })
    if (problems.length > 0) return false
    if (this.#consistent.size >= MAX_REMEMBERED) this.#consistent.clear()
    this.#consistent.add(content)
    return true
  }

  close(): void {
    this.#debounce.cancel()
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Istio's name for the roots by which peers are checked. It holds nothing secret. */
function rootSecret(trustBundle: string) {
  const inline = { specifier: { case: 'inlineBytes' as const, value: Buffer.from(trustBundle) } }
  const message = create(SecretSchema, {
    name: 'ROOTCA',
    type: { case: 'validationContext', value: { trustedCa: inline } },
  })
  return { name: 'ROOTCA', message, origins: [] }
}
