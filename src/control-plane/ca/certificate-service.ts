// Istio's CreateCertificate call: with a join token the first time, with the certificate itself from then on.
import { create } from '@bufbuild/protobuf'
import {
  Metadata,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { formatSpiffeId } from '../../base/spiffe-id.ts'
import {
  type IstioCertificateRequest,
  type IstioCertificateResponse,
  IstioCertificateResponseSchema,
} from '../../xds/generated/istio/v1/auth/ca_pb.ts'
import { peerIdentity } from '../grpc/peer-identity.ts'
import type { Metrics } from '../status/metrics.ts'
import type { CertificateAuthority } from './certificate-authority.ts'
import { readCertificateRequest } from './certificate-request.ts'
import type { JoinTokens } from './join-tokens.ts'

export interface CertificateServiceParts {
  readonly authority: CertificateAuthority
  readonly tokens: JoinTokens
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

type Call = ServerUnaryCall<IstioCertificateRequest, IstioCertificateResponse>

/** Whom a call may ask a certificate for, and what must still hold once its key is known; or why not. */
type Admission =
  | { readonly identity: string; readonly admit: (keyHash: string) => boolean }
  | { readonly code: number; readonly reason: string }

/** For the join port, where clients have no certificate yet: `authorization: Bearer <token>`. */
export function joinService(parts: CertificateServiceParts): UntypedServiceImplementation {
  return service(parts, call => {
    const header = String(call.metadata.get('authorization')[0] ?? '')
    const token = /^Bearer (\S+)$/i.exec(header)?.[1]
    if (token === undefined) return { code: status.UNAUTHENTICATED, reason: 'a join token is needed' }
    const grant = parts.tokens.look(token)
    if (grant === null) return { code: status.UNAUTHENTICATED, reason: 'the join token is unknown or too old' }
    return {
      identity: formatSpiffeId({ trustDomain: parts.authority.trustDomain, ...grant }),
      admit: keyHash => parts.tokens.redeem(token, keyHash),
    }
  })
}

/** For the xDS port: a verified certificate is renewed for the identity that it shows, and no other. */
export function renewalService(parts: CertificateServiceParts): UntypedServiceImplementation {
  return service(parts, call => {
    const peer = peerIdentity(call, parts.authority.trustDomain)
    if (peer === null) return { code: status.UNAUTHENTICATED, reason: 'a certificate of this mesh is needed' }
    // The handshake saw it valid, but a connection may live longer than the certificate it was opened with.
    if (peer.notAfter <= parts.clock.wallNow())
      return { code: status.UNAUTHENTICATED, reason: 'the client certificate of this connection has expired' }
    return { identity: formatSpiffeId(peer), admit: () => true }
  })
}

function service(parts: CertificateServiceParts, admission: (call: Call) => Admission): UntypedServiceImplementation {
  const asked = parts.metrics.counter('citadel_server_csr_count', 'Certificate signing requests received.')
  const signed = parts.metrics.counter('citadel_server_success_cert_issuance_count', 'Certificates issued.')
  const failed = parts.metrics.counter('citadel_server_csr_sign_err_count', 'Certificate signing requests refused.')
  const handle = async (call: Call, reply: sendUnaryData<IstioCertificateResponse>): Promise<void> => {
    asked.increment()
    const outcome = await sign(parts, call, admission(call))
    if ('certChain' in outcome) {
      signed.increment()
      reply(null, outcome)
      return
    }
    failed.increment()
    parts.log.warn('certificate request refused', { peer: call.getPeer(), why: outcome.reason })
    reply({ code: outcome.code, details: outcome.reason, metadata: new Metadata() })
  }
  return {
    CreateCertificate: (call: Call, reply: sendUnaryData<IstioCertificateResponse>) => {
      handle(call, reply).catch((error: Error) => {
        parts.log.error('certificate could not be issued', { why: error.message })
        reply({ code: status.INTERNAL, details: 'the certificate could not be issued', metadata: new Metadata() })
      })
    },
  }
}

async function sign(
  parts: CertificateServiceParts,
  call: Call,
  admission: Admission,
): Promise<IstioCertificateResponse | { code: number; reason: string }> {
  if ('reason' in admission) return admission
  const verdict = await readCertificateRequest(call.request.csr)
  if (!verdict.ok) return { code: status.INVALID_ARGUMENT, reason: verdict.reason }
  const { request } = verdict
  if (request.identity !== admission.identity)
    return { code: status.PERMISSION_DENIED, reason: `only ${admission.identity} may be asked for here` }
  if (!admission.admit(request.keyHash))
    return { code: status.UNAUTHENTICATED, reason: 'the join token has been used by another key' }
  const lifeMs = Number(call.request.validityDuration) * 1000
  const { chain } = await parts.authority.issue(request.publicKey, request.identity, lifeMs)
  parts.log.info('certificate issued', { identity: request.identity })
  return create(IstioCertificateResponseSchema, { certChain: [...chain] })
}
