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
import type { UpstreamVersion } from './upstream-version.ts'

/** What Istio's clients offer; a server that sees one of them knows a sidecar at the other end. */
export const ISTIO_ALPN = ['istio-peer-exchange', 'istio', 'istio-http/1.0', 'istio-http/1.1', 'istio-h2']
/** By which a sidecar's client says that no HTTP is coming. */
export const TCP_ALPN = 'istio-peer-exchange'
export const ISTIO_HTTP_ALPN = ISTIO_ALPN.filter(protocol => protocol !== TCP_ALPN)
/** What a server agrees to. Envoy's codec knows `h2` alone by name; where nothing is agreed, the first bytes decide. */
const SERVER_ALPN = { http: ['h2', 'http/1.1'], tcp: [TCP_ALPN, 'h2', 'http/1.1'], hbone: ['h2'] }
const TLS_SOCKET = 'envoy.transport_sockets.tls'

/** Both ends are sidecars of this mesh, so nothing older is ever needed. */
const TLS_PARAMETERS = create(TlsParametersSchema, {
  tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
})

/**
 * What a sidecar's client offers. Istio names the version in a filter of its own for each request; here a cluster has one.
 * `istio` alone leaves the version to the first bytes; `istio-peer-exchange` first says that they are not HTTP.
 */
const CLIENT_ALPN: Readonly<Record<UpstreamVersion | 'tcp', readonly string[]>> = {
  http1: ['istio'],
  http2: ['istio-h2', 'istio', 'h2'],
  client: ['istio'],
  tcp: ['istio-peer-exchange', 'istio'],
}

/** `speaks`: what goes through it. */
export function upstreamTls(
  serverName: string,
  identities: readonly string[],
  speaks: UpstreamVersion | 'tcp',
): TransportSocket {
  const context = create(UpstreamTlsContextSchema, {
    sni: serverName,
    commonTlsContext: {
      tlsParams: TLS_PARAMETERS,
      alpnProtocols: [...CLIENT_ALPN[speaks]],
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
export function downstreamTls(carries: keyof typeof SERVER_ALPN): TransportSocket {
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      tlsParams: TLS_PARAMETERS,
      alpnProtocols: SERVER_ALPN[carries],
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
