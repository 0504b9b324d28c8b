// A client's sidecar, in process, before one service whose endpoint the test plays: what the mesh says, as traffic shows it.
import type { CaseFile } from '../conformance/case-file.ts'
import { linkCase, nodeOf } from '../conformance/replay/linked-case.ts'
import { MeshProxy } from '../conformance/replay/mesh-proxy.ts'

const SERVICE = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: reviews, namespace: default}
spec:
  hosts: [reviews.default.svc.cluster.local]
  ports: [{number: 7080, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 127.0.0.11}]
`

export interface OneService {
  /** YAML documents beside the service `reviews`. */
  readonly config?: string
  /** YAML of the MeshConfig. */
  readonly mesh?: string
  /** Where the service's one endpoint listens on 127.0.0.1. */
  readonly endpoint: number
}

export interface SidecarBefore {
  readonly proxy: MeshProxy
  /** Of the sidecar's listener on 127.0.0.1. */
  readonly port: number
}

export async function sidecarBefore({ config = '', mesh = '', endpoint }: OneService): Promise<SidecarBefore> {
  const client = { ip: '127.0.0.31' }
  const file: CaseFile = {
    about: '',
    config: `${SERVICE}---\n${config}`.split('\n'),
    mesh: [mesh],
    upstreams: {},
    proxies: { client },
    requests: [],
  }
  const proxy = await MeshProxy.start(
    linkCase(file),
    nodeOf('client', client),
    new Map([['127.0.0.11:7080', endpoint]]),
  )
  return { proxy, port: proxy.network.listenerPort('127.0.0.1', 7080)! }
}
