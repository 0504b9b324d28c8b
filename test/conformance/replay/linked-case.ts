// A case's config as Weft links it, and the nodes that its proxies are.
import { formatProblem, type Problem } from '../../../src/base/problem.ts'
import type { ConfigObject } from '../../../src/model/config-object.ts'
import type { Locality } from '../../../src/model/locality.ts'
import type { ProxyNode } from '../../../src/model/proxy-node.ts'
import type { Workload } from '../../../src/model/workload.ts'
import { link } from '../../../src/translate/link/link.ts'
import type { LinkedMesh } from '../../../src/translate/link/linked-mesh.ts'
import { parseConfig } from '../../../src/translate/parse-config.ts'
import { parseMeshConfig } from '../../../src/translate/parse-mesh-config.ts'
import type { CaseFile, CaseProxy } from '../case-file.ts'

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
  return link({ objects: withAges(parsed.objects), services: [], workloads, meshConfig: mesh.meshConfig })
}

/** The reference creates the objects of a file in the order of namespace and name: that is their age. */
function withAges(objects: readonly ConfigObject[]): readonly ConfigObject[] {
  const key = ({ namespace, name }: ConfigObject): string => `${namespace}/${name}`
  const ordered = [...objects].sort((a, b) => (key(a) < key(b) ? -1 : 1))
  return objects.map(object => ({ ...object, createdAt: ordered.indexOf(object) + 1 }))
}

function labelsOf(name: string, proxy: CaseProxy): Readonly<Record<string, string>> {
  return { app: name, ...proxy.labels }
}

function localityOf({ locality }: CaseProxy): Locality {
  return { region: locality?.region ?? '', zone: locality?.zone ?? '', subZone: locality?.sub_zone ?? '' }
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
    ports: (proxy.ports ?? []).map(({ number, applicationPort, protocol = 'http' }) => ({
      name: `${protocol}-${number}`,
      number,
      applicationPort,
      inboundPort: number,
    })),
    locality: localityOf(proxy),
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
    locality: localityOf(proxy),
    workload,
  }
}
