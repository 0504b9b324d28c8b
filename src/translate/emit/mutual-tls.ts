// The transport sockets of mesh mTLS: certificates by SDS, TLS 1.3, identities checked.
import { create } from '@bufbuild/protobuf'
import { packAny } from '../../xds/any-pack.ts'
import { type TransportSocket, TransportSocketSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { RawBufferSchema } from '../../xds/generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import {
  SubjectAltNameMatcher_SanType,
  SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
  TlsParametersSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { sdsSecret } from './config-source.ts'

/** What Istio's clients offer; a server that sees one of them knows a sidecar at the other end. */
export const ISTIO_ALPN = ['istio-peer-exchange', 'istio', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2']
const TLS_SOCKET = 'envoy.transport_sockets.tls'

/** Both ends are sidecars of this mesh, so nothing older is ever needed. */
const TLS_PARAMETERS = create(TlsParametersSchema, {
  tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
})

export function upstreamTls(serverName: string, identities: readonly string[]): TransportSocket {
  const context = create(UpstreamTlsContextSchema, {
    sni: serverName,
    commonTlsContext: {
      tlsParams: TLS_PARAMETERS,
      // HTTP/1.1 between sidecars: Istio's name for "a sidecar, no HTTP/2".
      alpnProtocols: ['istio'],
      tlsCertificateSdsSecretConfigs: [sdsSecret('default')],
      validationContextType: {
        case: 'combinedValidationContext',
        value: {
          defaultValidationContext: {
            matchTypedSubjectAltNames: identities.map(identity =>
              create(SubjectAltNameMatcherSchema, {
                sanType: SubjectAltNameMatcher_SanType.URI,
                matcher: { matchPattern: { case: 'exact', value: identity } },
              }),
            ),
          },
          validationContextSdsSecretConfig: sdsSecret('ROOTCA'),
        },
      },
    },
  })
  return create(TransportSocketSchema, {
    name: TLS_SOCKET,
    configType: { case: 'typedConfig', value: packAny(UpstreamTlsContextSchema, context) },
  })
}

/** Requires a certificate of the mesh's authority. Which identities may call is for authorization to say. */
export function downstreamTls(): TransportSocket {
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      tlsParams: TLS_PARAMETERS,
      // A server that shares no protocol with the client may end the handshake (RFC 7301, 3.2): name the mesh's too.
      alpnProtocols: ['istio', 'istio-http/1.1', 'http/1.1'],
      tlsCertificateSdsSecretConfigs: [sdsSecret('default')],
      validationContextType: {
        case: 'combinedValidationContext',
        value: { defaultValidationContext: {}, validationContextSdsSecretConfig: sdsSecret('ROOTCA') },
      },
    },
  })
  return create(TransportSocketSchema, {
    name: TLS_SOCKET,
    configType: { case: 'typedConfig', value: packAny(DownstreamTlsContextSchema, context) },
  })
}

export function rawBuffer(): TransportSocket {
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.raw_buffer',
    configType: { case: 'typedConfig', value: packAny(RawBufferSchema, create(RawBufferSchema)) },
  })
}
