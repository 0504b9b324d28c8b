// istio.v1.auth.IstioCertificateService/CreateCertificate: the call by which a workload joins and renews.
import { create } from '@bufbuild/protobuf'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import type { KeyPair } from '../../transport/tls/secure-context.ts'
import {
  IstioCertificateRequestSchema,
  type IstioCertificateResponse,
  IstioCertificateService,
} from '../../xds/generated/istio/v1/auth/ca_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { CONTROL_PLANE_SERVER_NAME } from '../xds-client/control-plane-channel.ts'

export interface CertificateCall {
  /** `host:port` */
  readonly target: string
  readonly trustBundle: string
  readonly csr: string
  /** How the caller proves who it is: a one-time token, or the certificate it has. */
  readonly proof: { readonly token: string } | { readonly keyPair: KeyPair }
  readonly deadline: Date
}

/** Signs a request: resolves to PEM certificates, the leaf first. Rejects with grpc-js's ServiceError. */
export type CertificateSigner = (call: CertificateCall) => Promise<readonly string[]>

export const requestCertificate: CertificateSigner = call => {
  const { proof } = call
  const roots = Buffer.from(call.trustBundle)
  const channel =
    'token' in proof
      ? credentials.createSsl(roots)
      : credentials.createSsl(roots, Buffer.from(proof.keyPair.privateKey), Buffer.from(proof.keyPair.certificateChain))
  const client = new Client(call.target, channel, {
    'grpc.ssl_target_name_override': CONTROL_PLANE_SERVER_NAME,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  })
  const metadata = new Metadata()
  if ('token' in proof) metadata.set('authorization', `Bearer ${proof.token}`)
  const method = grpcServiceDefinition(IstioCertificateService)['CreateCertificate']!
  const request = create(IstioCertificateRequestSchema, { csr: call.csr })
  return new Promise((resolve, reject) => {
    const onEnd = (error: ServiceError | null, response?: unknown): void => {
      client.close()
      if (error) reject(error)
      else resolve((response as IstioCertificateResponse).certChain)
    }
    const { path, requestSerialize, responseDeserialize } = method
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline: call.deadline },
      onEnd,
    )
  })
}
