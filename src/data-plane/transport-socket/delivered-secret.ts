// A Secret that came by SDS over ADS: the mesh's trust bundle, or a certificate of a gateway.
import type { Problem } from '../../base/problem.ts'
import { requireCertificates, requireRevocations, revocationsOf } from '../../transport/tls/pem-blocks.ts'
import { requireKeyPair } from '../../transport/tls/secure-context.ts'
import type { DataSource } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  CertificateValidationContextSchema,
  TlsCertificateSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import type { Secret } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { type SecretStore, TRUST_BUNDLE_SECRET, WORKLOAD_SECRET } from './secret-store.ts'

/** The identity's own way to take the mesh's bundle: it keeps it on disk, too. */
interface TrustBundleTaker {
  takeTrustBundle(pem: string): void
}

const VALIDATION_FIELDS = new Set(['trusted_ca', 'crl'])
const CERTIFICATE_FIELDS = new Set(['certificate_chain', 'private_key'])

export function takeSecret(secret: Secret, store: SecretStore, identity: TrustBundleTaker | null): Problem[] {
  const { name, type } = secret
  const check = new ResourceCheck(`Secret ${name}`)
  try {
    if (identity && name === WORKLOAD_SECRET) throw new Error('the workload makes its own key: nobody sends it one')
    if (type.case === 'validationContext') {
      check.honour(CertificateValidationContextSchema, type.value, 'validation_context', VALIDATION_FIELDS)
      if (check.problems.length > 0) return [...check.problems]
      const pem = inline(type.value.trustedCa)
      const certificates = requireCertificates(pem).join('')
      const lists = [...revocationsOf(pem), ...(type.value.crl ? requireRevocations(inline(type.value.crl)) : [])]
      if (name !== TRUST_BUNDLE_SECRET || !identity) store.setTrustedCa(name, certificates + lists.join(''))
      else if (lists.length === 0) identity.takeTrustBundle(certificates)
      else throw new Error("the mesh's trust bundle takes no list of revoked certificates")
    } else if (type.case === 'tlsCertificate') {
      check.honour(TlsCertificateSchema, type.value, 'tls_certificate', CERTIFICATE_FIELDS)
      if (check.problems.length > 0) return [...check.problems]
      const certificateChain = requireCertificates(inline(type.value.certificateChain)).join('')
      const keyPair = { certificateChain, privateKey: inline(type.value.privateKey) }
      requireKeyPair(keyPair)
      store.setKeyPair(name, keyPair)
    } else throw new Error(`a secret of type ${type.case ?? 'none'} is not supported`)
    return []
  } catch (error) {
    return [{ code: 'WEFT-4103', severity: 'error', object: `Secret ${name}`, message: (error as Error).message }]
  }
}

function inline(source: DataSource | undefined): string {
  const specifier = source?.specifier
  if (specifier?.case === 'inlineString') return specifier.value
  if (specifier?.case === 'inlineBytes') return Buffer.from(specifier.value).toString('utf8')
  throw new Error('its data must be inline')
}
