// TLS that a listener ends with certificates of its own, or passes through.
import type { DeclaredProtocol } from '../../../model/port-protocol.ts'
import {
  isPassedThrough,
  type KeyPairSource,
  type RootsSource,
  type ServerTls,
  TLS_VERSIONS,
} from '../../../model/server-tls.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { credential, readCredential, readKeyPairFiles, readRootsFile } from './certificate-sources.ts'

const KEY_PAIRS = ['serverCertificate', 'credentialName', 'credentialNames', 'tlsCertificates'] as const
/** What only a server that ends TLS with certificates of its own needs. */
export const OWN_CERTIFICATES = [...KEY_PAIRS, 'privateKey', 'caCertificates', 'caCertCredentialName', 'caCrl'] as const
export const OWN_MODES = ['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL'] as const
const OF_CLIENTS = ['subjectAltNames', 'verifyCertificateSpki', 'verifyCertificateHash'] as const
const PARAMETERS = ['minProtocolVersion', 'maxProtocolVersion', 'cipherSuites'] as const
/** Of one kind of key each. */
const MAX_KEY_PAIRS = 2
const HEX_SHA256 = /^([0-9a-f]{64}|[0-9a-f]{2}(:[0-9a-f]{2}){31})$/i
const BASE64_SHA256 = /^[A-Za-z0-9+/]{43}=$/

/** `modes`: those that fit the place; the first is the zero value. */
export function readTls(
  reader: ObjectReader,
  protocol: DeclaredProtocol,
  modes: readonly ServerTls['mode'][],
): ServerTls {
  const { sink } = reader
  const mode = reader.enumeration('mode', modes) ?? 'PASSTHROUGH'
  const minVersion = readVersion(reader, 'minProtocolVersion')
  const maxVersion = readVersion(reader, 'maxProtocolVersion')
  if (minVersion && maxVersion && minVersion > maxVersion)
    sink.contradiction(reader.place('minProtocolVersion'), 'minProtocolVersion is above maxProtocolVersion')
  reader.unsupported('insecureSkipVerify')
  const isRefused = reader.has('mode') && mode === 'PASSTHROUGH' && reader.string('mode') !== 'PASSTHROUGH'
  const isOwn = (OWN_MODES as readonly string[]).includes(mode)
  if (!isOwn && !isRefused) tellUseless(reader, mode, protocol)
  if (mode === 'SIMPLE')
    for (const field of ['caCertificates', 'caCrl', 'caCertCredentialName', ...OF_CLIENTS])
      if (reader.has(field))
        noEffect(reader, field, `${field} has no effect with SIMPLE: no client is asked for a certificate`)
  return {
    mode,
    ...readSources(reader, isOwn, mode),
    ...(minVersion ? { minVersion } : {}),
    ...(maxVersion ? { maxVersion } : {}),
    cipherSuites: reader.stringList('cipherSuites').map(suite => suite.value),
    subjectAltNames: reader.stringList('subjectAltNames').map(name => name.value),
    certificateHashes: readHashes(reader, 'verifyCertificateHash', HEX_SHA256, 'the hex SHA-256 of a certificate'),
    publicKeyHashes: readHashes(reader, 'verifyCertificateSpki', BASE64_SHA256, 'the base64 SHA-256 of a public key'),
  }
}

function noEffect(reader: ObjectReader, field: string, message: string): void {
  reader.sink.report('WEFT-1012', 'warning', reader.place(field), message)
}

function tellUseless(reader: ObjectReader, mode: ServerTls['mode'], protocol: DeclaredProtocol): void {
  for (const field of [...OWN_CERTIFICATES, ...PARAMETERS, ...OF_CLIENTS]) {
    if (!reader.has(field)) continue
    if (isPassedThrough({ mode } as ServerTls))
      noEffect(reader, field, `${field} has no effect: ${protocol} is passed through`)
    else if ((OWN_CERTIFICATES as readonly string[]).includes(field))
      reader.sink.contradiction(reader.place(field), `${field} goes with SIMPLE or MUTUAL, not with ISTIO_MUTUAL`)
  }
}

function readSources(
  reader: ObjectReader,
  isOwn: boolean,
  mode: ServerTls['mode'],
): Pick<ServerTls, 'keyPairs' | 'roots'> {
  const given = KEY_PAIRS.filter(field => reader.has(field))
  if (given.length > 1) reader.sink.contradiction(reader.place(given[1]!), `only one of ${given.join(', ')} may be set`)
  const named = readCredential(reader, 'credentialName')
  const several = [
    ...reader.stringList('credentialNames').map(({ value, place }) => credential(value, place, reader)),
    ...reader.objectList('tlsCertificates').map(readFiles),
  ]
  if (several.length > MAX_KEY_PAIRS)
    reader.sink.error(
      'WEFT-1010',
      reader.place(given[0] ?? 'tlsCertificates'),
      `more than ${MAX_KEY_PAIRS} certificates`,
    )
  const files =
    isOwn && (given.length === 0 || reader.has('serverCertificate'))
      ? readKeyPairFiles(reader, 'serverCertificate')
      : null
  const keyPairs: readonly KeyPairSource[] = named ? [named] : several.length > 0 ? several : files ? [files] : []
  return { keyPairs: isOwn ? keyPairs : [], roots: readRoots(reader, mode, keyPairs) }
}

function readFiles(reader: ObjectReader): KeyPairSource {
  const source = readKeyPairFiles(reader, 'serverCertificate')
  // Those of the server hold for all.
  reader.unsupported('caCertificates')
  reader.done()
  return source
}

/** Named, else beside the certificate where that is a credential. */
function readRoots(
  reader: ObjectReader,
  mode: ServerTls['mode'],
  keyPairs: readonly KeyPairSource[],
): RootsSource | null {
  const file = readRootsFile(reader)
  const named = readCredential(reader, 'caCertCredentialName')
  if (mode !== 'MUTUAL' && mode !== 'OPTIONAL_MUTUAL') return null
  if (named) return named
  if (file) return file
  const beside = keyPairs.find(source => source.kind === 'credential')
  if (!beside) reader.missing('caCertificates')
  return beside ?? null
}

function readHashes(reader: ObjectReader, field: string, form: RegExp, what: string): readonly string[] {
  return reader.stringList(field).map(({ value, place }) => {
    if (!form.test(value)) reader.sink.badValue(place, `"${value.slice(0, 80)}" is not ${what}`)
    return value
  })
}

/** TLS_AUTO is the default. */
function readVersion(reader: ObjectReader, field: string): ServerTls['minVersion'] {
  const version = reader.enumeration(field, ['TLS_AUTO', ...TLS_VERSIONS])
  return version === 'TLS_AUTO' ? undefined : version
}
