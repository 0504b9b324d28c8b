// MeshConfig's TLSConfig: tlsDefaults and meshMTLS.
import type { TlsDefaults } from '../../../model/mesh-config.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

/** Those that Envoy's TLS library knows. */
const CURVES = ['P-256', 'P-384', 'P-521', 'X25519', 'X25519MLKEM768']
const VERSIONS = ['TLS_AUTO', 'TLSV1_2', 'TLSV1_3'] as const

export function readTlsDefaults(reader: ObjectReader): TlsDefaults {
  const version = reader.enumeration('minProtocolVersion', VERSIONS)
  const curves = reader.stringList('ecdhCurves')
  for (const { value, place } of curves)
    if (!CURVES.includes(value))
      reader.sink.badValue(place, `"${value.slice(0, 40)}" is not one of ${CURVES.join(', ')}`)
  const suites = reader.stringList('cipherSuites')
  reader.done()
  return {
    ...(version === undefined || version === 'TLS_AUTO' ? {} : { minVersion: version }),
    ecdhCurves: curves.map(({ value }) => value),
    cipherSuites: suites.map(({ value }) => value),
  }
}

/** The mesh's own connections are of TLS 1.3, whose suites and curves its members agree on by themselves. */
export function readMeshTls(reader: ObjectReader): void {
  const version = reader.enumeration('minProtocolVersion', VERSIONS)
  if (version === 'TLSV1_2')
    reader.sink.badValue(reader.place('minProtocolVersion'), 'proxies of the mesh speak TLS 1.3 with each other')
  for (const field of ['ecdhCurves', 'cipherSuites'])
    if (reader.stringList(field).length > 0)
      reader.sink.badValue(reader.place(field), `TLS 1.3 has no such choice: ${field} belongs to tlsDefaults`)
  reader.done()
}
