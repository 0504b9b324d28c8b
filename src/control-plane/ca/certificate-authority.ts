// The mesh's own certificate authority: a root that signs only intermediates, an intermediate that signs workloads.
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import 'reflect-metadata'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { writeFileAtomic } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { KEY_ALGORITHM, readSigningKey, SIGNING_ALGORITHM, type SigningKey, writeSigningKey } from './signing-key.ts'

const DAY_MS = 86_400_000
const ROOT_LIFE_MS = 3650 * DAY_MS
const INTERMEDIATE_LIFE_MS = 365 * DAY_MS
/** An intermediate nearer to its end than this is replaced: far longer than any certificate that it signs lives. */
const INTERMEDIATE_RENEWAL_MS = 60 * DAY_MS
/** Clocks of other machines may be behind. */
const SKEW_MS = 120_000
const MIN_LIFE_MS = 1000

export interface CertificateAuthorityOptions {
  /** Holds `ca/` and `trust-bundle.pem`. */
  readonly directory: string
  readonly trustDomain: string
  /** Longest life of a workload's certificate, milliseconds. */
  readonly maxLeafLifeMs: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface IssuedCertificate {
  /** PEM, the leaf first, the root last, as Istio answers. */
  readonly chain: readonly string[]
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

export interface ServerIdentity {
  /** PEM: leaf and intermediate. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

export class CertificateAuthority {
  readonly #options: CertificateAuthorityOptions
  readonly #root: SigningKey
  #intermediate: SigningKey

  private constructor(options: CertificateAuthorityOptions, root: SigningKey, intermediate: SigningKey) {
    this.#options = options
    this.#root = root
    this.#intermediate = intermediate
  }

  /** Reads the authority's files, making what is not there yet. Throws when they are damaged. */
  static async open(options: CertificateAuthorityOptions): Promise<CertificateAuthority> {
    const bundle = join(options.directory, 'trust-bundle.pem')
    const rootFiles = filesOf(options, 'root')
    // Key, certificate and bundle are written in this order: a key alone is of an authority that was never finished.
    if (!existsSync(bundle) && !existsSync(rootFiles.certificate)) rmSync(rootFiles.key, { force: true })
    let root = await readSigningKey(rootFiles)
    if (root === null) {
      root = await createRoot(options)
      await writeSigningKey(rootFiles, root)
      options.log.info('certificate authority created', { trustDomain: options.trustDomain })
    }
    checkTrustDomain(root.certificate, options.trustDomain)
    const intermediate = await openIntermediate(options, root)
    const authority = new CertificateAuthority(options, root, intermediate)
    await authority.renewIntermediateIfDue()
    writeFileAtomic(bundle, authority.trustBundle, 0o644)
    return authority
  }

  get trustDomain(): string {
    return this.#options.trustDomain
  }

  /** PEM of every root that the mesh trusts. */
  get trustBundle(): string {
    return pemOf(this.#root.certificate)
  }

  /** To be called now and then: the intermediate is replaced long before anything it signed could outlive it. */
  async renewIntermediateIfDue(): Promise<void> {
    const left = this.#intermediate.certificate.notAfter.getTime() - this.#options.clock.wallNow()
    if (left > INTERMEDIATE_RENEWAL_MS) return
    this.#intermediate = await renewIntermediate(this.#options, this.#root)
    this.#options.log.info('intermediate certificate renewed')
  }

  /**
   * Signs an X.509 SVID (SPIFFE X509-SVID section 4) for an identity that the caller has authorised.
   * `lifeMs` is a wish: never longer than the authority's bound; 0 or less means that bound.
   */
  async issue(publicKey: PublicKey, identity: string, lifeMs: number): Promise<IssuedCertificate> {
    const leaf = await this.#sign(publicKey, [{ type: 'url', value: identity }], lifeMs)
    const chain = [leaf, this.#intermediate.certificate, this.#root.certificate].map(pemOf)
    return { chain, notAfter: leaf.notAfter.getTime() }
  }

  /** A key and certificate for this process's own listeners. */
  async issueServerIdentity(): Promise<ServerIdentity> {
    const pair = await crypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
    const names: JsonGeneralNames = [
      { type: 'dns', value: 'istiod.istio-system.svc' },
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
      { type: 'url', value: `spiffe://${this.trustDomain}/ns/istio-system/sa/istiod` },
    ]
    const leaf = await this.#sign(pair.publicKey, names, DAY_MS)
    const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).toString('base64')
    return {
      certificate: pemOf(leaf) + pemOf(this.#intermediate.certificate),
      key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      notAfter: leaf.notAfter.getTime(),
    }
  }

  async #sign(publicKey: LeafKey, names: JsonGeneralNames, lifeMs: number): Promise<X509Certificate> {
    const issuer = this.#intermediate
    const now = this.#options.clock.wallNow()
    const wished = lifeMs > 0 ? Math.max(MIN_LIFE_MS, lifeMs) : this.#options.maxLeafLifeMs
    const end = now + Math.min(wished, this.#options.maxLeafLifeMs)
    return X509CertificateGenerator.create({
      serialNumber: serialNumber(this.#options.random),
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(Math.min(end, issuer.certificate.notAfter.getTime())),
      // The subject is empty and the name therefore critical (RFC 5280 section 4.2.1.6): the URI is the identity.
      issuer: issuer.certificate.subjectName,
      publicKey,
      signingKey: issuer.privateKey,
      signingAlgorithm: SIGNING_ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        new SubjectAlternativeNameExtension(names, true),
        await AuthorityKeyIdentifierExtension.create(issuer.certificate.publicKey),
      ],
    })
  }
}

type LeafKey = PublicKey | CryptoKeyPair['publicKey']
type CryptoKeyPair = Awaited<ReturnType<typeof generatePair>>

function generatePair() {
  return crypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify'])
}

function filesOf(options: CertificateAuthorityOptions, name: string): { certificate: string; key: string } {
  const path = join(options.directory, 'ca', name)
  return { certificate: `${path}.crt`, key: `${path}.key` }
}

async function createRoot(options: CertificateAuthorityOptions): Promise<SigningKey> {
  const pair = await generatePair()
  const name = `O=${options.trustDomain}, CN=Weft root ${serialNumber(options.random).slice(0, 8)}`
  const certificate = await X509CertificateGenerator.create({
    ...validity(options, ROOT_LIFE_MS),
    subject: name,
    issuer: name,
    publicKey: pair.publicKey,
    signingKey: pair.privateKey,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: await authorityExtensions(options, pair.publicKey, 1),
  })
  return { certificate, privateKey: pair.privateKey }
}

/** Identities are names of one trust domain: under another, no workload that has joined would be known any more. */
function checkTrustDomain(root: X509Certificate, trustDomain: string): void {
  const names = root.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
  const own = names.find(name => name.type === 'url')?.value ?? ''
  if (own !== `spiffe://${trustDomain}`)
    throw new Error(`its root is that of ${own}, the mesh config says trust domain ${trustDomain}`)
}

/** One whose files do not fit together was being replaced when the process died: another does as well. */
async function openIntermediate(options: CertificateAuthorityOptions, root: SigningKey): Promise<SigningKey> {
  try {
    const known = await readSigningKey(filesOf(options, 'intermediate'))
    if (known !== null) return known
  } catch (error) {
    options.log.warn('intermediate certificate made anew', { why: (error as Error).message })
  }
  return renewIntermediate(options, root)
}

async function renewIntermediate(options: CertificateAuthorityOptions, root: SigningKey): Promise<SigningKey> {
  const pair = await generatePair()
  const { notBefore, notAfter, serialNumber: serial } = validity(options, INTERMEDIATE_LIFE_MS)
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial,
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), root.certificate.notAfter.getTime())),
    subject: `O=${options.trustDomain}, CN=Weft intermediate ${serial.slice(0, 8)}`,
    issuer: root.certificate.subjectName,
    publicKey: pair.publicKey,
    signingKey: root.privateKey,
    signingAlgorithm: SIGNING_ALGORITHM,
    extensions: [
      ...(await authorityExtensions(options, pair.publicKey, 0)),
      await AuthorityKeyIdentifierExtension.create(root.certificate.publicKey),
    ],
  })
  const signing = { certificate, privateKey: pair.privateKey }
  await writeSigningKey(filesOf(options, 'intermediate'), signing)
  return signing
}

async function authorityExtensions(
  options: CertificateAuthorityOptions,
  publicKey: CryptoKeyPair['publicKey'],
  pathLength: number,
): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(true, pathLength, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${options.trustDomain}` }]),
    await SubjectKeyIdentifierExtension.create(publicKey),
  ]
}

function validity(options: CertificateAuthorityOptions, lifeMs: number) {
  const now = options.clock.wallNow()
  return {
    serialNumber: serialNumber(options.random),
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(now + lifeMs),
  }
}

/** 128 random bits, positive and without a leading zero octet (RFC 5280 section 4.1.2.2). */
function serialNumber(random: Random): string {
  const bytes = random.bytes(16)
  bytes[0] = (bytes[0]! & 0x7f) | 0x40
  return bytes.toString('hex')
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}
