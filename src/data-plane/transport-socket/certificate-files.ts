// Certificates that config names by files of this machine, in Istio's SDS names: `file-cert:CERTIFICATE~KEY`, `file-root:CA`.
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

export function isFileSecret(name: string): boolean {
  return name.startsWith(KEY_PAIR) || name.startsWith(ROOTS)
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

  /** What was good before stays in use until something good replaces it. */
  #take(name: string): void {
    const paths = name.slice(KEY_PAIR.length).split('~')
    const texts = paths.map(path => this.#folder.read(path))
    const content = texts.includes(null) ? null : texts.join('\0')
    if (this.#seen.has(name) && this.#seen.get(name) === content) return
    this.#seen.set(name, content)
    try {
      if (content === null) throw new Error('no such file in the folder of certificates')
      const [pem = '', privateKey = ''] = texts as readonly string[]
      const certificate = new X509Certificate(pem)
      if (name.startsWith(ROOTS)) this.#store.setTrustedCa(name, pem)
      else if (certificate.checkPrivateKey(createPrivateKey(privateKey)))
        this.#store.setKeyPair(name, { certificateChain: pem, privateKey })
      else throw new Error('key and certificate do not belong together')
      this.#log.info('certificate read', { name })
    } catch (error) {
      this.#log.error('certificate not usable', { name, problem: (error as Error).message })
    }
  }
}
