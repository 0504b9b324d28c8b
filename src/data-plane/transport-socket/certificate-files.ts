// Certificates that config names by files of this machine, or by what a folder of them is called, in Istio's SDS names:
// `file-cert:CERTIFICATE~KEY`, `file-root:CA`, or CA~CRL; `kubernetes://NAME`, `kubernetes://NAME-cacert`.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { requireCertificates, requireRevocations, revocationsOf } from '../../transport/tls/pem-blocks.ts'
import { requireKeyPair } from '../../transport/tls/secure-context.ts'
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
function revocationFilesOf(name: string): readonly string[] {
  if (!name.startsWith(CREDENTIAL) || !holdsRoots(name)) return []
  const folder = name.slice(CREDENTIAL.length)
  return [folder, folder.slice(0, -CREDENTIAL_ROOTS.length)].flatMap(each => [`${each}/ca.crl`, `${each}/crl`])
}

export class CertificateFiles {
  readonly #store: SecretStore
  readonly #folder: CertificateFolder
  readonly #clock: Clock
  readonly #log: Log
  #names: ReadonlySet<string> = new Set()
  /** What each name had when it was read last; null: nothing usable, which has been said. */
  readonly #seen = new Map<string, string | null>()
  #timer: Timer | null = null

  constructor(store: SecretStore, folder: CertificateFolder, { clock, log }: { clock: Clock; log: Log }) {
    this.#store = store
    this.#folder = folder
    this.#clock = clock
    this.#log = log
  }

  /** From now on these, of whatever kind; those that name files are read, now and again. */
  want(names: readonly string[]): void {
    const before = this.#names
    this.#names = new Set(names.filter(isFileSecret))
    for (const name of before) if (!this.#names.has(name)) this.#seen.delete(name)
    for (const name of this.#names) if (!before.has(name)) this.#take(name)
    if (before.size === 0 || this.#names.size === 0) this.#rereadLater()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #reread(): void {
    for (const name of this.#names) this.#take(name)
    this.#rereadLater()
  }

  #rereadLater(): void {
    this.#timer?.cancel()
    this.#timer = this.#names.size > 0 ? this.#clock.setTimer(REREAD_MS, () => this.#reread()) : null
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
    const revoked = this.#readFirst(revocationFilesOf(name))
    const content = texts.includes(null) ? null : JSON.stringify([...texts, revoked])
    if (this.#seen.has(name) && this.#seen.get(name) === content) return
    this.#seen.set(name, content)
    try {
      if (content === null) throw new Error('no such file in the folder of certificates')
      const [pem = '', second] = texts as readonly string[]
      if (holdsRoots(name)) this.#takeRoots(name, pem, second ?? revoked)
      else this.#takeKeyPair(name, pem, second ?? '')
      this.#log.info('certificate read', { name })
    } catch (error) {
      this.#log.error('certificate not usable', { name, problem: (error as Error).message })
    }
  }

  /** Of a file's text only what all may see is kept. */
  #takeKeyPair(name: string, pem: string, privateKey: string): void {
    const keyPair = { certificateChain: requireCertificates(pem).join(''), privateKey }
    requireKeyPair(keyPair)
    this.#store.setKeyPair(name, keyPair)
  }

  /** A list that has gone may just be lost: whoever it names stays out until there is another, or the proxy starts anew. */
  #takeRoots(name: string, pem: string, lists: string | null): void {
    const certificates = requireCertificates(pem).join('')
    const revocations = [...revocationsOf(pem), ...(lists === null ? [] : requireRevocations(lists))]
    if (revocations.length === 0 && revocationsOf(this.#store.trustedCa(name) ?? '').length > 0)
      throw new Error('its list of revoked certificates has gone')
    this.#store.setTrustedCa(name, certificates + revocations.join(''))
  }
}
