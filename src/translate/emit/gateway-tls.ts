// How a gateway ends TLS.
import { create } from '@bufbuild/protobuf'
import type { GatewayTls } from '../../model/gateway.ts'
import { packAny } from '../../xds/any-pack.ts'
import { type TransportSocket, TransportSocketSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  CertificateValidationContextSchema,
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcher,
  SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
  TlsParametersSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import { DownstreamTlsContextSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { isIpAddress } from '../host/ip-address.ts'
import { sdsSecret } from './config-source.ts'

const VERSIONS = {
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0,
  TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1,
  TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2,
  TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
} as const
const ALPN = { http: ['h2', 'http/1.1'], tcp: [] }

/** ISTIO_MUTUAL: the gateway's own certificate of the mesh, and clients with one. */
export function gatewayTls(tls: GatewayTls, carries: 'http' | 'tcp'): TransportSocket {
  // The mesh's members all speak TLS 1.3; whoever lowers the bound means other clients.
  const { minVersion = 'TLSV1_3', maxVersion = 'TLSV1_3', cipherSuites, subjectAltNames } = tls
  const floor = minVersion > maxVersion ? maxVersion : minVersion
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      tlsParams: create(TlsParametersSchema, {
        tlsMinimumProtocolVersion: VERSIONS[floor],
        tlsMaximumProtocolVersion: VERSIONS[maxVersion],
        cipherSuites: [...cipherSuites],
      }),
      alpnProtocols: [...ALPN[carries]],
      tlsCertificateSdsSecretConfigs: [sdsSecret('default')],
      validationContextType: {
        case: 'combinedValidationContext',
        value: {
          defaultValidationContext: create(CertificateValidationContextSchema, {
            matchTypedSubjectAltNames: subjectAltNames.map(alternativeName),
          }),
          validationContextSdsSecretConfig: sdsSecret('ROOTCA'),
        },
      },
    },
  })
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: packAny(DownstreamTlsContextSchema, context) },
  })
}

/** Istio does not say of which type a name is; its form does. */
function alternativeName(value: string): SubjectAltNameMatcher {
  const plain = value.includes('@') ? SanType.EMAIL : isIpAddress(value) ? SanType.IP_ADDRESS : SanType.DNS
  const sanType = value.includes('://') ? SanType.URI : plain
  return create(SubjectAltNameMatcherSchema, { sanType, matcher: { matchPattern: { case: 'exact', value } } })
}
