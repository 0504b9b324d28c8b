// TlsParameters of a TLS context, compiled: every name is one that OpenSSL has.
import type { SecureVersion } from 'node:tls'
import {
  isCipherSuite,
  isEcdhCurve,
  isSignatureAlgorithm,
  type TlsParameters,
} from '../../transport/tls/tls-parameters.ts'
import {
  type TlsParameters as TlsParametersMessage,
  TlsParametersSchema,
  TlsParameters_TlsProtocol as TlsProtocol,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/common_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

const PARAMETER_FIELDS = new Set([
  'tls_minimum_protocol_version',
  'tls_maximum_protocol_version',
  'cipher_suites',
  'ecdh_curves',
  'signature_algorithms',
])
/** Envoy's: authenticated encryption and forward secrecy. OpenSSL's own list goes down to CBC and bare RSA. */
const DEFAULT_CIPHER_SUITES = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
]
const GROUP = /^\[(.+)\]$/

export function compileTlsParameters(
  message: TlsParametersMessage | undefined,
  path: string,
  check: ResourceCheck,
): TlsParameters {
  if (message) check.honour(TlsParametersSchema, message, path, PARAMETER_FIELDS)
  const minVersion = version(message?.tlsMinimumProtocolVersion, 'TLSv1.2')
  const maxVersion = version(message?.tlsMaximumProtocolVersion, 'TLSv1.3')
  if (minVersion > maxVersion) check.error(`${path}.tls_minimum_protocol_version`, 'is above the maximum')
  // BoringSSL's groups of equal preference, `[A|B]`, become a plain order.
  const suites = (message?.cipherSuites ?? []).map(suite => GROUP.exec(suite)?.[1]?.split('|') ?? [suite])
  const ecdhCurves = message?.ecdhCurves ?? []
  const signatureAlgorithms = message?.signatureAlgorithms ?? []
  for (const [index, group] of suites.entries())
    for (const suite of group)
      if (!isCipherSuite(suite))
        check.error(`${path}.cipher_suites[${index}]`, `${suite} is no cipher suite of TLS 1.2 that can be chosen`)
  for (const [index, curve] of ecdhCurves.entries())
    if (!isEcdhCurve(curve)) check.error(`${path}.ecdh_curves[${index}]`, `${curve} is no curve that can be chosen`)
  for (const [index, algorithm] of signatureAlgorithms.entries())
    if (!isSignatureAlgorithm(algorithm))
      check.error(`${path}.signature_algorithms[${index}]`, `${algorithm} is no algorithm that can be chosen`)
  const cipherSuites = suites.length > 0 ? suites.flat() : DEFAULT_CIPHER_SUITES
  return { minVersion, maxVersion, cipherSuites, ecdhCurves, signatureAlgorithms }
}

function version(protocol: TlsProtocol | undefined, fallback: SecureVersion): SecureVersion {
  switch (protocol) {
    case TlsProtocol.TLSv1_0:
      return 'TLSv1'
    case TlsProtocol.TLSv1_1:
      return 'TLSv1.1'
    case TlsProtocol.TLSv1_2:
      return 'TLSv1.2'
    case TlsProtocol.TLSv1_3:
      return 'TLSv1.3'
    default:
      return fallback
  }
}

/** One text of them all, in Envoy: an entry may be several, and an empty one is none. */
export function compileApplicationProtocols(
  entries: readonly string[],
  path: string,
  check: ResourceCheck,
): readonly string[] {
  const text = entries.join(',')
  if (text === '') return []
  const protocols = text.split(',')
  const isValid = (protocol: string): boolean => protocol !== '' && Buffer.byteLength(protocol) <= MAX_PROTOCOL_BYTES
  if (!protocols.every(isValid) || Buffer.byteLength(text) >= MAX_PROTOCOLS_BYTES)
    check.error(path, `must be names of 1 to ${MAX_PROTOCOL_BYTES} bytes, and less than 64 KiB`)
  return protocols
}

// RFC 7301 3.1.
const MAX_PROTOCOL_BYTES = 255
const MAX_PROTOCOLS_BYTES = 65_535
