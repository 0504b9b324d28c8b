// A certificate signing request, believed only as far as it was proved: its key, and the one identity it names.
import { createHash } from 'node:crypto'
import 'reflect-metadata'
import { Pkcs10CertificateRequest, type PublicKey, SubjectAlternativeNameExtension } from '@peculiar/x509'

export interface CertificateRequest {
  readonly publicKey: PublicKey
  /** Its single name, a SPIFFE id. */
  readonly identity: string
  /** SHA-256 of the public key. */
  readonly keyHash: string
}

export type RequestVerdict =
  | { readonly ok: true; readonly request: CertificateRequest }
  | { readonly ok: false; readonly reason: string }

const MAX_PEM_LENGTH = 16_384
const CURVES = ['P-256', 'P-384']
const RSA_BITS = { min: 2048, max: 4096 }

/** Checks a PEM request from anybody. Extensions other than the name are not looked at, and never copied. */
export async function readCertificateRequest(pem: string): Promise<RequestVerdict> {
  if (pem.length > MAX_PEM_LENGTH) return refuse(`the request is over ${MAX_PEM_LENGTH} bytes`)
  try {
    const request = new Pkcs10CertificateRequest(pem)
    const weakness = weaknessOf(request.publicKey)
    if (weakness !== null) return refuse(weakness)
    if (!(await request.verify())) return refuse('the request is not signed with its own key')
    const names = request.extensions.flatMap(extension =>
      extension instanceof SubjectAlternativeNameExtension ? extension.names.items : [],
    )
    const [name] = names
    if (names.length !== 1 || name?.type !== 'url')
      return refuse('the request must name exactly one URI and nothing else')
    const keyHash = createHash('sha256').update(Buffer.from(request.publicKey.rawData)).digest('hex')
    return { ok: true, request: { publicKey: request.publicKey, identity: name.value, keyHash } }
  } catch (error) {
    return refuse(`the request cannot be read: ${(error as Error).message.slice(0, 200)}`)
  }
}

function refuse(reason: string): RequestVerdict {
  return { ok: false, reason }
}

function weaknessOf(key: PublicKey): string | null {
  const algorithm = key.algorithm as { name: string; namedCurve?: string; modulusLength?: number }
  if (algorithm.name === 'ECDSA' && CURVES.includes(algorithm.namedCurve ?? '')) return null
  const bits = algorithm.modulusLength ?? 0
  if (algorithm.name.startsWith('RSA') && bits >= RSA_BITS.min && bits <= RSA_BITS.max) return null
  return `keys must be EC P-256 or P-384, or RSA of ${RSA_BITS.min} to ${RSA_BITS.max} bits`
}
