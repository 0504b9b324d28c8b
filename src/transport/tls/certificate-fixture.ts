// Certificates for tests: an authority and what it issues, made in memory. Nothing of production imports this file.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { KeyPair } from './secure-context.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const

export interface CertificateWish {
  /** `URI`, `DNS` and `IP` names. */
  readonly names: readonly { readonly type: 'url' | 'dns' | 'ip'; readonly value: string }[]
  readonly subject?: string
  /** Instead of ECDSA. */
  readonly rsa?: true
  /** Epoch milliseconds. */
  readonly notBefore?: number
  readonly notAfter?: number
}

export class TestAuthority {
  readonly #keys: webcrypto.CryptoKeyPair
  readonly #certificate: x509.X509Certificate

  private constructor(keys: webcrypto.CryptoKeyPair, certificate: x509.X509Certificate) {
    this.#keys = keys
    this.#certificate = certificate
  }

  static async create(name = 'CN=test root'): Promise<TestAuthority> {
    x509.cryptoProvider.set(webcrypto as never)
    const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name,
      keys,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 86_400_000),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    })
    return new TestAuthority(keys, certificate)
  }

  get bundle(): string {
    return `${this.#certificate.toString('pem')}\n`
  }

  /** A key pair and its certificate, fit for clients and servers. */
  async issue(wish: CertificateWish): Promise<KeyPair> {
    const algorithm = wish.rsa ? RSA : ALGORITHM
    const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
    const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
    return {
      certificateChain: await this.sign(keys.publicKey, wish),
      privateKey: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
    }
  }

  issueSpiffe(id: string): Promise<KeyPair> {
    return this.issue({ names: [{ type: 'url', value: id }] })
  }

  /** Answers a CSR, as a certificate authority does. */
  async signRequest(csr: string, wish: CertificateWish): Promise<string> {
    return await this.sign(await new x509.Pkcs10CertificateRequest(csr).publicKey.export(), wish)
  }

  /** A list of what has been revoked, as PEM. */
  async revoke(...revoked: readonly KeyPair[]): Promise<string> {
    const list = await x509.X509CrlGenerator.create({
      issuer: this.#certificate.subject,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      thisUpdate: new Date(Date.now() - 60_000),
      nextUpdate: new Date(Date.now() + 3_600_000),
      entries: revoked.map(({ certificateChain }) => ({
        serialNumber: new x509.X509Certificate(certificateChain).serialNumber,
      })),
    })
    // OpenSSL knows the armour of RFC 7468 by "X509 CRL" alone.
    return `${list.toString('pem').replaceAll('BEGIN CRL', 'BEGIN X509 CRL').replaceAll('END CRL', 'END X509 CRL')}\n`
  }

  private async sign(publicKey: CryptoKey, wish: CertificateWish): Promise<string> {
    const certificate = await x509.X509CertificateGenerator.create({
      subject: wish.subject ?? '',
      issuer: this.#certificate.subject,
      publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(wish.notBefore ?? Date.now() - 60_000),
      notAfter: new Date(wish.notAfter ?? Date.now() + 3_600_000),
      extensions: [
        new x509.SubjectAlternativeNameExtension([...wish.names]),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, x509.ExtendedKeyUsage.serverAuth]),
      ],
    })
    return `${certificate.toString('pem')}\n`
  }
}
