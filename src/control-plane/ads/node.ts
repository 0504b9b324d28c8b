// The xDS node of a client, as far as the control plane believes it.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf'
import { NO_LOCALITY } from '../../model/locality.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { Node } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import type { ResourceForm } from '../snapshot/snapshot-source.ts'

export interface ClaimedNode {
  /** Its `workload` is not known yet. */
  readonly node: ProxyNode
  readonly form: ResourceForm
  /** Of the client's software, for people. */
  readonly version: string
}

/** Istio's form: `sidecar~10.0.0.1~reviews-v1-0.default~default.svc.cluster.local`. */
const NODE_ID = /^(sidecar|router)~([^~]{0,64})~([^~]{1,253})\.([a-z0-9-]{1,63})~([^~]{1,253})$/
const MAX_LABELS = 100

/** Null: the id is not of Istio's form. */
export function readNode(node: Node | undefined): ClaimedNode | null {
  const match = NODE_ID.exec(node?.id ?? '')
  if (node === undefined || match === null) return null
  const [, kind, , name = '', namespace = ''] = match
  const metadata: JsonObject = node.metadata ?? {}
  const { region, zone, subZone } = node.locality ?? NO_LOCALITY
  return {
    node: {
      id: node.id,
      kind: kind === 'router' ? 'router' : 'sidecar',
      name,
      namespace,
      labels: stringsOf(metadata['LABELS']),
      locality: { region, zone, subZone },
      workload: null,
    },
    form: metadata['GENERATOR'] === 'grpc' ? 'grpc' : 'envoy',
    version: versionOf(node, metadata),
  }
}

function versionOf(node: Node, metadata: JsonObject): string {
  const own = metadata['WEFT_VERSION'] ?? metadata['ISTIO_VERSION']
  if (typeof own === 'string') return own.slice(0, 64)
  const { userAgentVersionType } = node
  if (userAgentVersionType.case === 'userAgentVersion')
    return `${node.userAgentName} ${userAgentVersionType.value}`.slice(0, 64)
  const version = userAgentVersionType.value?.version
  const numbers = version ? ` ${version.majorNumber}.${version.minorNumber}.${version.patch}` : ''
  return `${node.userAgentName}${numbers}`.slice(0, 64)
}

function stringsOf(value: JsonValue | undefined): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const strings = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return Object.fromEntries(strings.slice(0, MAX_LABELS))
}
