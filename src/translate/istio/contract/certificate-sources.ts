// Where certificates, keys and authorities are, in the fields that servers and clients of TLS share.
import type { KeyPairSource, RootsSource } from '../../../model/server-tls.ts'
import { isDnsSubdomain } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import type { FieldPlace } from '../../document/problem-sink.ts'

const CREDENTIAL_ROOTS = '-cacert'

/** Empty where the field is absent. `~` parts the names of a secret. */
export function readFileName(reader: ObjectReader, field: string): string {
  const file = reader.string(field) ?? ''
  if (file.includes('~')) reader.sink.badValue(reader.place(field), 'no "~" can be in the name of the file')
  return file
}

export function readKeyPairFiles(reader: ObjectReader, certificateField: string): KeyPairSource {
  const certificate = readFileName(reader, certificateField)
  const privateKey = readFileName(reader, 'privateKey')
  if (certificate === '') reader.missing(certificateField)
  if (privateKey === '') reader.missing('privateKey')
  return { kind: 'files', certificate, privateKey }
}

/** Null where there is none. Lists of what an authority has revoked go with the authority. */
export function readRootsFile(reader: ObjectReader): RootsSource | null {
  const file = readFileName(reader, 'caCertificates')
  const revocations = readFileName(reader, 'caCrl')
  if (revocations !== '' && file === '')
    reader.sink.contradiction(
      reader.place('caCrl'),
      'caCrl goes with caCertificates; a credential has its own in ca.crl',
    )
  return file === '' ? null : { kind: 'file', file, revocations }
}

/** Undefined where the field is absent. A name is one of a Kubernetes Secret, and a folder here. */
export function readCredential(reader: ObjectReader, field: string): (KeyPairSource & RootsSource) | undefined {
  const name = reader.string(field)
  return name === undefined || name === '' ? undefined : credential(name, reader.place(field), reader)
}

export function credential(
  name: string,
  place: FieldPlace,
  { sink }: ObjectReader,
): { readonly kind: 'credential'; readonly name: string } {
  if (!isDnsSubdomain(name)) sink.badValue(place, `"${name.slice(0, 80)}" is not the name of a credential`)
  else if (name.endsWith(CREDENTIAL_ROOTS))
    sink.badValue(place, `"${name}" would be the authority of "${name.slice(0, -CREDENTIAL_ROOTS.length)}"`)
  return { kind: 'credential', name }
}
