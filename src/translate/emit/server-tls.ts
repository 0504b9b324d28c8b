// How a gateway, or a sidecar that is told to, ends TLS.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { ServerTls } from '../../model/server-tls.ts'
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
import { keyPairSecret, rootsSecret } from './certificate-secrets.ts'
import { sdsSecret } from './config-source.ts'

const VERSIONS = {
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0,
  TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1,
  TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2,
  TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
} as const
const ALPN = { http: ['h2', 'http/1.1'], tcp: [] }

/** What a server leaves out of its own TLS is the mesh's to say, of what is the mesh's own it is not (Istio). */
export function serverTls({ tlsDefaults }: MeshConfig, tls: ServerTls, carries: 'http' | 'tcp'): TransportSocket {
  const ofMesh = tls.mode === 'ISTIO_MUTUAL'
  // The mesh's members all speak TLS 1.3; whoever lowers the bound means other clients.
  const lowest = ofMesh ? 'TLSV1_3' : (tlsDefaults.minVersion ?? 'TLSV1_2')
  const { minVersion = lowest, maxVersion = 'TLSV1_3' } = tls
  const cipherSuites = tls.cipherSuites.length > 0 || ofMesh ? tls.cipherSuites : tlsDefaults.cipherSuites
  const floor = minVersion > maxVersion ? maxVersion : minVersion
  const keyPairs = ofMesh ? ['default'] : tls.keyPairs.map(keyPairSecret)
  const roots = ofMesh ? 'ROOTCA' : tls.roots && rootsSecret(tls.roots)
  const context = create(DownstreamTlsContextSchema, {
    requireClientCertificate: ofMesh || tls.mode === 'MUTUAL',
    commonTlsContext: {
      tlsParams: create(TlsParametersSchema, {
        tlsMinimumProtocolVersion: VERSIONS[floor],
        tlsMaximumProtocolVersion: VERSIONS[maxVersion],
        cipherSuites: [...cipherSuites],
        ecdhCurves: ofMesh ? [] : [...tlsDefaults.ecdhCurves],
      }),
      alpnProtocols: [...ALPN[carries]],
      tlsCertificateSdsSecretConfigs: keyPairs.map(sdsSecret),
      ...(roots === null ? {} : { validationContextType: validation(tls, roots) }),
    },
  })
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: packAny(DownstreamTlsContextSchema, context) },
  })
}

function validation({ subjectAltNames, certificateHashes, publicKeyHashes }: ServerTls, roots: string) {
  const defaultValidationContext = create(CertificateValidationContextSchema, {
    matchTypedSubjectAltNames: subjectAltNames.map(alternativeName),
    verifyCertificateHash: [...certificateHashes],
    verifyCertificateSpki: [...publicKeyHashes],
  })
  const value = { defaultValidationContext, validationContextSdsSecretConfig: sdsSecret(roots) }
  return { case: 'combinedValidationContext' as const, value }
}

/** Istio does not say of which type a name is; its form does. */
export function alternativeName(value: string): SubjectAltNameMatcher {
  const plain = value.includes('@') ? SanType.EMAIL : isIpAddress(value) ? SanType.IP_ADDRESS : SanType.DNS
  const sanType = value.includes('://') ? SanType.URI : plain
  return create(SubjectAltNameMatcherSchema, { sanType, matcher: { matchPattern: { case: 'exact', value } } })
}
