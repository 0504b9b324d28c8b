// What becomes of x-forwarded-client-cert, as Istio's ForwardClientCertDetails says it.
import type { ForwardClientCert } from '../../../model/proxy-config.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const VALUES = [
  'UNDEFINED',
  'SANITIZE',
  'FORWARD_ONLY',
  'APPEND_FORWARD',
  'SANITIZE_SET',
  'ALWAYS_FORWARD_ONLY',
] as const

/** Undefined: the default of the place. */
export function readForwardClientCert(reader: ObjectReader, field: string): ForwardClientCert | undefined {
  const value = reader.enumeration(field, VALUES)
  return value === 'UNDEFINED' ? undefined : value
}
