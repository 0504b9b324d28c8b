// One Weft proxy in process, told by the case's config what to do, on a network of the replay's own.
import { create, type Message } from '@bufbuild/protobuf'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLog } from '../../../src/base/log.ts'
import { formatProblem, type Problem } from '../../../src/base/problem.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { NO_LOCALITY } from '../../../src/model/locality.ts'
import type { ProxyNode } from '../../../src/model/proxy-node.ts'
import type { ProxyResources } from '../../../src/model/proxy-resources.ts'
import type { Workload } from '../../../src/model/workload.ts'
import { emit } from '../../../src/translate/emit/emit.ts'
import { link } from '../../../src/translate/link/link.ts'
import type { LinkedMesh } from '../../../src/translate/link/linked-mesh.ts'
import { parseConfig } from '../../../src/translate/parse-config.ts'
import { parseMeshConfig } from '../../../src/translate/parse-mesh-config.ts'
import type { CaseFile, CaseProxy } from '../case-file.ts'

/** What the access log of one stream says, by the keys of Istio's JSON format. */
export type LogLine = Readonly<Record<string, unknown>>

const ACCESS_LOG = ['accessLogFile: /conformance', 'accessLogEncoding: JSON']

function noErrors(problems: readonly Problem[]): void {
  const errors = problems.filter(problem => problem.severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(formatProblem).join('\n'))
}

/** The case's config, linked; throws with every problem that its parsing finds. */
export function linkCase(file: CaseFile): LinkedMesh {
  const parsed = parseConfig([{ file: 'config.yaml', text: file.config.join('\n') }], { defaultNamespace: 'default' })
  const mesh = parseMeshConfig({ file: 'mesh.yaml', text: [...ACCESS_LOG, ...(file.mesh ?? [])].join('\n') })
  noErrors([...parsed.problems, ...mesh.problems])
  const workloads = Object.entries(file.proxies).map(([name, proxy]) => workloadOf(name, proxy))
  return link({ objects: parsed.objects, services: [], workloads, meshConfig: mesh.meshConfig })
}

function labelsOf(name: string, proxy: CaseProxy): Readonly<Record<string, string>> {
  return { app: name, ...proxy.labels }
}

function workloadOf(name: string, proxy: CaseProxy): Workload {
  return {
    name,
    namespace: proxy.namespace ?? 'default',
    service: '',
    version: '',
    description: '',
    labels: labelsOf(name, proxy),
    serviceAccount: proxy.serviceAccount ?? 'default',
    address: proxy.ip,
    applicationAddress: '127.0.0.1',
    ports: (proxy.ports ?? []).map(({ number, applicationPort }) => ({
      name: `http-${number}`,
      number,
      applicationPort,
      inboundPort: number,
    })),
    locality: NO_LOCALITY,
    weight: 1,
    tlsMode: 'disabled',
    proxy: { kind: proxy.router ? 'router' : 'sidecar', bindAddress: proxy.router ? '127.0.0.1' : proxy.ip },
    healthy: true,
  }
}

export function nodeOf(name: string, proxy: CaseProxy): ProxyNode {
  const workload = workloadOf(name, proxy)
  const { namespace } = workload
  const kind = proxy.router ? 'router' : 'sidecar'
  return {
    id: `${kind}~${proxy.ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    kind,
    name,
    namespace,
    labels: workload.labels,
    locality: NO_LOCALITY,
    workload,
  }
}
