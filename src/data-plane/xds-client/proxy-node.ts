// The xDS node by which a proxy introduces itself, in Istio's form.
import { create, type JsonObject } from '@bufbuild/protobuf'
import { type Node, NodeSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'

export interface NodeFacts {
  readonly workload: string
  readonly namespace: string
  readonly serviceAccount: string
  /** A gateway. */
  readonly router: boolean
  readonly labels: Readonly<Record<string, string>>
}

/** `sidecar~127.0.0.1~reviews-v1-0.default~default.svc.cluster.local` */
export function nodeId({ workload, namespace, router }: NodeFacts): string {
  return `${router ? 'router' : 'sidecar'}~127.0.0.1~${workload}.${namespace}~${namespace}.svc.cluster.local`
}

export function nodeMetadata(facts: NodeFacts): JsonObject {
  return {
    NAME: facts.workload,
    NAMESPACE: facts.namespace,
    SERVICE_ACCOUNT: facts.serviceAccount,
    WORKLOAD_NAME: facts.workload,
    CLUSTER_ID: 'weft',
    INTERCEPTION_MODE: 'NONE',
    LABELS: { ...facts.labels },
  }
}

/** Istio's `--service-cluster`: what access logs and traces call this side. */
export function nodeCluster({ workload, namespace, labels }: NodeFacts): string {
  return `${labels['app'] ?? workload}.${namespace}`
}

export function createNode(facts: NodeFacts, version: string): Node {
  return create(NodeSchema, {
    id: nodeId(facts),
    cluster: nodeCluster(facts),
    metadata: { ...nodeMetadata(facts), WEFT_VERSION: version },
    userAgentName: 'weft',
    userAgentVersionType: { case: 'userAgentVersion', value: version },
  })
}
