// Which proxies a certificate may speak for: those of its own namespace and service account.
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { Workload } from '../../model/workload.ts'
import type { PeerIdentity } from '../grpc/peer-identity.ts'
import type { ClaimedNode } from './node.ts'

export type Admission =
  | { readonly ok: true; readonly node: ProxyNode }
  | { readonly ok: false; readonly reason: string }

/** Who calls: a verified certificate, nobody verified, or anybody on the plaintext port of this machine. */
export type Caller = PeerIdentity | 'unverified' | 'plaintext'

/**
 * A proxy beside a registered workload must show that workload's identity. One without a registration is a mere client
 * of its own namespace: it gets no inbound listeners, and its namespace must be that of its certificate.
 */
export function admit(claimed: ClaimedNode, workload: Workload | null, caller: Caller): Admission {
  const { node, form } = claimed
  const who = `${node.namespace}/${node.name}`
  if (caller === 'unverified') return refuse('a client certificate of this mesh is needed')
  if (caller === 'plaintext') {
    if (form !== 'grpc') return refuse('the plaintext port serves gRPC clients only (node metadata GENERATOR: grpc)')
    return { ok: true, node }
  }
  if (caller.namespace !== node.namespace)
    return refuse(`${who} is not of namespace ${caller.namespace}, which its certificate names`)
  if (workload !== null && caller.serviceAccount !== workload.serviceAccount)
    return refuse(
      `${who} is registered with service account ${workload.serviceAccount}, its certificate names ${caller.serviceAccount}`,
    )
  if (form === 'grpc' || workload === null) return { ok: true, node }
  return { ok: true, node: { ...node, labels: workload.labels, locality: workload.locality, workload } }
}

function refuse(reason: string): Admission {
  return { ok: false, reason }
}
