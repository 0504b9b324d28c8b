// An authority's certificate and private key, and the two files they live in.

import { createPublicKey, type webcrypto } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import 'reflect-metadata'
import { PemConverter, X509Certificate } from '@peculiar/x509'
import { writeFileAtomic } from '../../base/atomic-file.ts'

export const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const
export const SIGNING_ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' } as const

export interface SigningKey {
  readonly certificate: X509Certificate
  readonly privateKey: webcrypto.CryptoKey
}

export interface SigningKeyFiles {
  readonly certificate: string
  readonly key: string
}

/** Null when neither file is there; throws when one is missing, unreadable, or does not belong to the other. */
export async function readSigningKey(files: SigningKeyFiles): Promise<SigningKey | null> {
  const [hasCertificate, hasKey] = [existsSync(files.certificate), existsSync(files.key)]
  if (!hasCertificate && !hasKey) return null
  if (!hasCertificate || !hasKey) throw new Error(`${hasKey ? files.certificate : files.key} is missing`)
  try {
    const certificate = new X509Certificate(readFileSync(files.certificate, 'utf8'))
    const pem = PemConverter.decodeFirst(readFileSync(files.key, 'utf8'))
    const privateKey = await crypto.subtle.importKey('pkcs8', pem, KEY_ALGORITHM, true, ['sign'])
    const own = createPublicKey(readFileSync(files.key, 'utf8')).export({ type: 'spki', format: 'der' })
    if (!own.equals(Buffer.from(certificate.publicKey.rawData))) throw new Error('they do not belong together')
    return { certificate, privateKey }
  } catch (error) {
    throw new Error(`${files.key} or ${files.certificate} cannot be used: ${(error as Error).message}`)
  }
}

/** The key first: a certificate without its key would be taken for damage. */
export async function writeSigningKey(files: SigningKeyFiles, signing: SigningKey): Promise<void> {
  const directory = dirname(files.key)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o700)
  const der = await crypto.subtle.exportKey('pkcs8', signing.privateKey)
  writeFileAtomic(files.key, `${PemConverter.encode(der, 'PRIVATE KEY')}\n`, 0o600)
  writeFileAtomic(files.certificate, `${signing.certificate.toString('pem')}\n`, 0o644)
}
