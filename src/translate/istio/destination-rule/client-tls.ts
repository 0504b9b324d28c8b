// DestinationRule trafficPolicy.tls: whether, and as whom, a client speaks TLS.
import type { KeyPairSource, RootsSource } from '../../../model/server-tls.ts'
import type { ClientTls } from '../../../model/traffic-policy.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readCredential, readKeyPairFiles, readRootsFile } from '../contract/certificate-sources.ts'

const MODES = ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'] as const
const FILES = ['clientCertificate', 'privateKey', 'caCertificates', 'caCrl']
const CERTIFICATES = [...FILES, 'credentialName', 'insecureSkipVerify']

/** Undefined: it cannot be read. */
export function readClientTls(reader: ObjectReader): ClientTls | undefined {
  const { sink } = reader
  // The zero value: a tls block without a mode switches TLS off.
  const mode = reader.enumeration('mode', MODES) ?? 'DISABLE'
  const isRefused = mode === 'DISABLE' && reader.has('mode') && reader.string('mode') !== 'DISABLE'
  const sni = reader.string('sni')
  const subjectAltNames = reader.stringList('subjectAltNames').map(entry => entry.value)
  const trustsAnybody = reader.boolean('insecureSkipVerify') ?? false
  const isOwn = mode === 'SIMPLE' || mode === 'MUTUAL'
  if (!isOwn && !isRefused)
    for (const field of CERTIFICATES)
      if (reader.has(field)) sink.contradiction(reader.place(field), `${field} does not go with mode ${mode}`)
  const sources = readSources(reader, mode)
  if (isOwn) tellUnchecked(reader, { sni, subjectAltNames, trustsAnybody })
  reader.done()
  if (isRefused) return undefined
  return { mode, ...(sni ? { sni } : {}), subjectAltNames, ...sources, trustsAnybody }
}

function readSources(
  reader: ObjectReader,
  mode: ClientTls['mode'],
): { readonly keyPair: KeyPairSource | null; readonly roots: RootsSource | null } {
  const credential = readCredential(reader, 'credentialName')
  const isMutual = mode === 'MUTUAL'
  if (credential && (isMutual || mode === 'SIMPLE'))
    for (const field of FILES)
      if (reader.has(field)) reader.sink.contradiction(reader.place(field), `${field} does not go with credentialName`)
  if (mode === 'SIMPLE')
    for (const field of ['clientCertificate', 'privateKey'])
      if (reader.has(field) && !credential)
        reader.sink.report('WEFT-1012', 'warning', reader.place(field), `${field} has no effect with SIMPLE`)
  const file = readRootsFile(reader)
  const files = isMutual && !credential ? readKeyPairFiles(reader, 'clientCertificate') : null
  // Asked for in any case, so that a field that does not go here is not called unknown besides.
  for (const field of FILES) reader.string(field)
  return {
    keyPair: isMutual ? (credential ?? files) : null,
    roots: credential ?? file,
  }
}

/** As in Istio: a server name that is spelt out says nothing of whose certificate is expected. */
function tellUnchecked(
  reader: ObjectReader,
  {
    sni,
    subjectAltNames,
    trustsAnybody,
  }: { sni: string | undefined; subjectAltNames: readonly string[]; trustsAnybody: boolean },
): void {
  if (trustsAnybody) {
    if (subjectAltNames.length > 0)
      reader.sink.report('WEFT-1012', 'warning', reader.place('subjectAltNames'), 'no effect with insecureSkipVerify')
  } else if (sni && subjectAltNames.length === 0) {
    const message =
      'any certificate of a trusted authority will do: where sni is set, no name is checked without subjectAltNames'
    reader.sink.report('WEFT-1012', 'warning', reader.place('sni'), message)
  }
}
