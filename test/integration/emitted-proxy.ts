// For tests: a proxy in process, with what the translator makes of some YAML, its addresses on free ports of loopback.
import assert from 'node:assert/strict'
import { formatProblem } from '../../src/base/problem.ts'
import { findDanglingReferences } from '../../src/control-plane/snapshot/consistency.ts'
import { openProxy, TestIdentity } from '../../src/data-plane/mesh-fixture.ts'
import type { Proxy as DataPlaneProxy } from '../../src/data-plane/proxy.ts'
import { NO_LOCALITY } from '../../src/model/locality.ts'
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../../src/model/mesh-config.ts'
import type { Workload } from '../../src/model/workload.ts'
import { WORKLOAD } from '../../src/model/workload-fixture.ts'
import { emit } from '../../src/translate/emit/emit.ts'
import { link } from '../../src/translate/link/link.ts'
import { parseConfig } from '../../src/translate/parse-config.ts'
import type { TestAuthority } from '../../src/transport/tls/certificate-fixture.ts'
import type { ResourceMessage } from '../../src/xds/resource-message.ts'
import { LoopbackNetwork } from '../conformance/replay/loopback-network.ts'

export interface EmittedProxy {
  readonly network: LoopbackNetwork
  close(): Promise<void>
}

export interface EmittedProxyOptions {
  readonly config: string
  readonly workload: Partial<Workload> & Pick<Workload, 'name' | 'proxy'>
  /** What stands for `10.0.0.1:80`. */
  readonly upstreams: ReadonlyMap<string, number>
  readonly meshConfig?: Partial<MeshConfig>
  /** By name, as in the folder of a proxy's certificates. */
  readonly files?: ReadonlyMap<string, string>
  readonly authority: TestAuthority
}

/** Rejects with whatever either of the two refuses. */
export async function startEmitted(options: EmittedProxyOptions): Promise<EmittedProxy> {
  const { config, upstreams, files, authority } = options
  const { objects, problems } = parseConfig([{ file: 'config.yaml', text: config }], { defaultNamespace: 'default' })
  assert.deepEqual(problems.map(formatProblem), [])
  const workload: Workload = { ...WORKLOAD, ports: [], ...options.workload }
  const { name, namespace, labels } = workload
  const meshConfig = { ...DEFAULT_MESH_CONFIG, ...options.meshConfig }
  const kind = workload.proxy?.kind ?? 'sidecar'
  const mesh = link({ objects, services: [], workloads: [workload], meshConfig })
  const resources = emit(mesh, { id: name, kind, name, namespace, labels, locality: NO_LOCALITY, workload })
  assert.deepEqual(findDanglingReferences(resources), [])
  const network = new LoopbackNetwork(upstreams)
  const proxy: DataPlaneProxy = openProxy({ network, certificates: { read: file => files?.get(file) ?? null } })
  const identity = await authority.issueSpiffe(`spiffe://cluster.local/ns/${namespace}/sa/${name}`)
  proxy.useIdentity(new TestIdentity(identity, authority.bundle))
  const { clusters, endpoints, listeners, routes } = resources
  const byType = { cluster: clusters, endpoint: endpoints, listener: listeners, route: routes }
  for (const [type, list] of Object.entries(byType)) {
    const messages = list.map(({ message }) => message as ResourceMessage)
    assert.deepEqual(proxy.apply(type as keyof typeof byType, messages), [])
  }
  assert.deepEqual(await proxy.listeners.settled(), [])
  return { network, close: () => proxy.close() }
}
