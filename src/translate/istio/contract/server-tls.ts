// TLS that a listener ends with certificates of its own, or passes through.
import type { DeclaredProtocol } from '../../../model/port-protocol.ts'
import { type ServerTls, TLS_VERSIONS } from '../../../model/server-tls.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const FILES = ['serverCertificate', 'privateKey', 'caCertificates'] as const
/** What only a server that ends TLS with certificates of its own needs; files alone are read. */
export const OWN_CERTIFICATES = [
  ...FILES,
  'caCrl',
  'credentialName',
  'credentialNames',
  'caCertCredentialName',
  'tlsCertificates',
]
export const OWN_MODES = ['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'] as const

/** `modes`: those that fit the place. */
export function readTls(
  reader: ObjectReader,
  protocol: DeclaredProtocol,
  modes: readonly ServerTls['mode'][],
): ServerTls {
  const { sink } = reader
  // The zero value.
  const mode = reader.enumeration('mode', modes, ['AUTO_PASSTHROUGH'])
  const minVersion = readVersion(reader, 'minProtocolVersion')
  const maxVersion = readVersion(reader, 'maxProtocolVersion')
  if (minVersion && maxVersion && minVersion > maxVersion)
    sink.contradiction(reader.place('minProtocolVersion'), 'minProtocolVersion is above maxProtocolVersion')
  const cipherSuites = reader.stringList('cipherSuites').map(suite => suite.value)
  const subjectAltNames = reader.stringList('subjectAltNames').map(name => name.value)
  reader.unsupported('verifyCertificateSpki', 'verifyCertificateHash', 'insecureSkipVerify')
  const written = reader.string('mode') ?? 'PASSTHROUGH'
  for (const field of OWN_CERTIFICATES) {
    if (!reader.has(field)) continue
    if (written === 'ISTIO_MUTUAL')
      sink.contradiction(reader.place(field), `${field} goes with SIMPLE or MUTUAL, not with ISTIO_MUTUAL`)
    else if (written !== 'PASSTHROUGH' && !(FILES as readonly string[]).includes(field))
      sink.unsupported(reader.place(field), field, 'name files: serverCertificate, privateKey, caCertificates')
  }
  if (written === 'PASSTHROUGH')
    for (const field of [
      ...OWN_CERTIFICATES,
      'minProtocolVersion',
      'maxProtocolVersion',
      'cipherSuites',
      'subjectAltNames',
    ])
      if (reader.has(field))
        sink.report(
          'WEFT-1012',
          'warning',
          reader.place(field),
          `${field} has no effect: ${protocol} is passed through`,
        )
  const [serverCertificate = '', privateKey = '', caCertificates = ''] = FILES.map(field => reader.string(field) ?? '')
  for (const field of FILES)
    if (reader.string(field)?.includes('~')) sink.badValue(reader.place(field), 'no "~" can be in the name of the file')
  if (
    (OWN_MODES as readonly string[]).includes(written) &&
    !OWN_CERTIFICATES.slice(FILES.length).some(field => reader.has(field))
  ) {
    if (serverCertificate === '') reader.missing('serverCertificate')
    if (privateKey === '') reader.missing('privateKey')
    if (caCertificates === '' && written !== 'SIMPLE') reader.missing('caCertificates')
  }
  if (written === 'SIMPLE')
    for (const field of ['caCertificates', 'subjectAltNames'])
      if (reader.has(field))
        sink.report(
          'WEFT-1012',
          'warning',
          reader.place(field),
          `${field} has no effect with SIMPLE: no client is asked for a certificate`,
        )
  return {
    mode: mode ?? 'PASSTHROUGH',
    serverCertificate,
    privateKey,
    caCertificates,
    ...(minVersion ? { minVersion } : {}),
    ...(maxVersion ? { maxVersion } : {}),
    cipherSuites,
    subjectAltNames,
  }
}

/** TLS_AUTO is the default. */
function readVersion(reader: ObjectReader, field: string): ServerTls['minVersion'] {
  const version = reader.enumeration(field, ['TLS_AUTO', ...TLS_VERSIONS])
  return version === 'TLS_AUTO' ? undefined : version
}
