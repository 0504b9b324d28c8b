// TLS towards servers outside of the mesh, or towards an application's own.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { ClientTls } from '../../model/traffic-policy.ts'
import { packAny } from '../../xds/any-pack.ts'
import { type TransportSocket, TransportSocketSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcher,
  SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol,
  TlsParametersSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import { UpstreamTlsContextSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { isWildcard } from '../host/host-name.ts'
import { isIpAddress } from '../host/ip-address.ts'
import type { MeshService } from '../link/mesh-service.ts'
import { keyPairSecret, rootsSecret } from './certificate-secrets.ts'
import { sdsSecret } from './config-source.ts'
import { alternativeName } from './server-tls.ts'
import type { NamesByRequest, UpstreamVersion } from './upstream-version.ts'

/** Istio's word for the authorities that the system trusts. */
const SYSTEM_ROOTS = { kind: 'file', file: 'system', revocations: '' } as const

/** A rule has no word on curves and suites: the mesh has. */
export function originatedTls(
  { tlsDefaults }: MeshConfig,
  tls: ClientTls,
  service: MeshService,
  speaks: UpstreamVersion | 'tcp',
): TransportSocket {
  const context = create(UpstreamTlsContextSchema, {
    sni: tls.sni ?? serverNameOf(service.host),
    commonTlsContext: {
      tlsParams: create(TlsParametersSchema, {
        tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2,
        tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
        cipherSuites: [...tlsDefaults.cipherSuites],
        ecdhCurves: [...tlsDefaults.ecdhCurves],
      }),
      alpnProtocols: speaks === 'http2' ? ['h2'] : [],
      tlsCertificateSdsSecretConfigs: tls.keyPair ? [sdsSecret(keyPairSecret(tls.keyPair))] : [],
      ...(tls.trustsAnybody ? {} : { validationContextType: validation(tls, service) }),
    },
  })
  return create(TransportSocketSchema, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: packAny(UpstreamTlsContextSchema, context) },
  })
}

/** Istio's auto_sni and auto_san_validation, where each request may be for another server; undefined: nothing is left to them. */
export function namesByRequest(tls: ClientTls, service: MeshService): NamesByRequest | undefined {
  if ((tls.mode !== 'SIMPLE' && tls.mode !== 'MUTUAL') || tls.sni) return undefined
  const named = tls.subjectAltNames.length > 0 || service.subjectAltNames().length > 0
  return { autoSni: true, autoSanValidation: !named && !tls.trustsAnybody }
}

/** RFC 6066 3: no addresses. */
function serverNameOf(host: string): string {
  return isWildcard(host) || isIpAddress(host) ? '' : host
}

function validation(tls: ClientTls, service: MeshService) {
  const value = {
    defaultValidationContext: { matchTypedSubjectAltNames: [...expectedNames(tls, service)] },
    validationContextSdsSecretConfig: sdsSecret(rootsSecret(tls.roots ?? SYSTEM_ROOTS)),
  }
  return { case: 'combinedValidationContext' as const, value }
}

/** Istio's auto_san_validation checks the name that is called, which for a service is its host. */
function expectedNames({ sni, subjectAltNames }: ClientTls, service: MeshService): readonly SubjectAltNameMatcher[] {
  const said = subjectAltNames.length > 0 ? subjectAltNames : service.subjectAltNames()
  if (said.length > 0) return said.map(alternativeName)
  if (sni) return []
  if (!isWildcard(service.host)) return [alternativeName(service.host)]
  const matcher = { matchPattern: { case: 'suffix' as const, value: service.host.slice(1) } }
  return [create(SubjectAltNameMatcherSchema, { sanType: SanType.DNS, matcher })]
}
