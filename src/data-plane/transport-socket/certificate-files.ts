// Certificates that config names by files of this machine, or by what a folder of them is called, in Istio's SDS names:
// `file-cert:CERTIFICATE~KEY`, `file-root:CA`, or CA~CRL; `kubernetes://NAME`, `kubernetes://NAME-cacert`.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { SecretStore } from './secret-store.ts'

/** What a control plane may name: nothing outside of one folder. */
export interface CertificateFolder {
  /** Null: there is no such file, or it is none of the folder's. */
  read(name: string): string | null
}

/** A renewed certificate is taken within this time. */
const REREAD_MS = 10_000
const KEY_PAIR = 'file-cert:'
const ROOTS = 'file-root:'
const CREDENTIAL = 'kubernetes://'
const CREDENTIAL_ROOTS = '-cacert'

export function isFileSecret(name: string): boolean {
  return name.startsWith(KEY_PAIR) || name.startsWith(ROOTS) || name.startsWith(CREDENTIAL)
}

function holdsRoots(name: string): boolean {
  return name.startsWith(ROOTS) || (name.startsWith(CREDENTIAL) && name.endsWith(CREDENTIAL_ROOTS))
}

/**
 * Of each part of a secret the names it may have. A credential's are the keys of a Secret, of type kubernetes.io/tls or of
 * Istio's older form, as Kubernetes mounts it; an authority may lie apart, in NAME-cacert.
 */
function filesOf(name: string): readonly (readonly string[])[] {
  if (!name.startsWith(CREDENTIAL))
    return name
      .slice(KEY_PAIR.length)
      .split('~')
      .map(file => [file])
  const folder = name.slice(CREDENTIAL.length)
  const files = (...keys: string[]): readonly string[] => keys.map(key => `${folder}/${key}`)
  if (!holdsRoots(name)) return [files('tls.crt', 'cert'), files('tls.key', 'key')]
  const beside = folder.slice(0, -CREDENTIAL_ROOTS.length)
  return [[...files('ca.crt', 'cacert'), `${beside}/ca.crt`, `${beside}/cacert`]]
}

/** What a credential may have besides: lists of what its authority has revoked. */
function revocationsOf(name: string): readonly string[] {
  if (!name.startsWith(CREDENTIAL) || !holdsRoots(name)) return []
  const folder = name.slice(CREDENTIAL.length)
  return [folder, folder.slice(0, -CREDENTIAL_ROOTS.length)].flatMap(each => [`${each}/ca.crl`, `${each}/crl`])
}

export class CertificateFiles {
  readonly #store: SecretStore
  readonly #folder: CertificateFolder
  readonly #clock: Clock
  readonly #log: Log
  #names: readonly string[] = []
  /** What each name had when it was read last; null: nothing usable, which has been said. */
  readonly #seen = new Map<string, string | null>()
  #timer: Timer | null = null

  constructor(store: SecretStore, folder: CertificateFolder, { clock, log }: { clock: Clock; log: Log }) {
    this.#store = store
    this.#folder = folder
    this.#clock = clock
    this.#log = log
  }

  /** From now on these, of whatever kind; those that name files are read, and read again. */
  want(names: readonly string[]): void {
    this.#names = names.filter(isFileSecret)
    for (const name of this.#seen.keys()) if (!this.#names.includes(name)) this.#seen.delete(name)
    this.#timer?.cancel()
    this.#reread()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #reread(): void {
    for (const name of this.#names) this.#take(name)
    this.#timer = this.#names.length > 0 ? this.#clock.setTimer(REREAD_MS, () => this.#reread()) : null
  }

  #readFirst(candidates: readonly string[]): string | null {
    for (const candidate of candidates) {
      const text = this.#folder.read(candidate)
      if (text !== null) return text
    }
    return null
  }

  /** What was good before stays in use until something good replaces it. */
  #take(name: string): void {
    const texts = filesOf(name).map(candidates => this.#readFirst(candidates))
    const revoked = this.#readFirst(revocationsOf(name))
    const content = texts.includes(null) ? null : [...texts, revoked].join('\0')
    if (this.#seen.has(name) && this.#seen.get(name) === content) return
    this.#seen.set(name, content)
    try {
      if (content === null) throw new Error('no such file in the folder of certificates')
      const [pem = '', privateKey = ''] = texts as readonly string[]
      const certificate = new X509Certificate(pem)
      if (holdsRoots(name)) this.#store.setTrustedCa(name, [...texts, revoked ?? ''].join('\n'))
      else if (certificate.checkPrivateKey(createPrivateKey(privateKey)))
        this.#store.setKeyPair(name, { certificateChain: pem, privateKey })
      else throw new Error('key and certificate do not belong together')
      this.#log.info('certificate read', { name })
    } catch (error) {
      this.#log.error('certificate not usable', { name, problem: (error as Error).message })
    }
  }
}
