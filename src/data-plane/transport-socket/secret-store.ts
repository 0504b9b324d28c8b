// The secrets of one proxy, by SDS name. Contexts ask here for each new connection, so a renewal needs no recompile.
import type { KeyPair } from '../../transport/tls/secure-context.ts'

/** Istio's names: the workload's own certificate, and the trust bundle. */
export const WORKLOAD_SECRET = 'default'
export const TRUST_BUNDLE_SECRET = 'ROOTCA'

/** What the proxy has whatever config says. */
export function isOwnSecret(name: string): boolean {
  return name === WORKLOAD_SECRET || name === TRUST_BUNDLE_SECRET
}

export interface SecretSource {
  keyPair(name: string): KeyPair | undefined
  /** PEM certificates. */
  trustedCa(name: string): string | undefined
}

export class SecretStore implements SecretSource {
  readonly #keyPairs = new Map<string, KeyPair>()
  readonly #trustedCas = new Map<string, string>()
  readonly #listeners: (() => void)[] = []

  keyPair(name: string): KeyPair | undefined {
    return this.#keyPairs.get(name)
  }

  trustedCa(name: string): string | undefined {
    return this.#trustedCas.get(name)
  }

  has(name: string): boolean {
    return this.#keyPairs.has(name) || this.#trustedCas.has(name)
  }

  /** Names of key pairs and of trust bundles, for the admin port. */
  names(): { readonly keyPairs: readonly string[]; readonly trustedCas: readonly string[] } {
    return { keyPairs: [...this.#keyPairs.keys()], trustedCas: [...this.#trustedCas.keys()] }
  }

  setKeyPair(name: string, keyPair: KeyPair): void {
    this.#keyPairs.set(name, keyPair)
    this.#announce()
  }

  setTrustedCa(name: string, pem: string): void {
    if (this.#trustedCas.get(name) === pem) return
    this.#trustedCas.set(name, pem)
    this.#announce()
  }

  remove(name: string): void {
    this.#keyPairs.delete(name)
    this.#trustedCas.delete(name)
  }

  /** Called after every change: listeners that wait for a secret look again. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #announce(): void {
    for (const listener of this.#listeners) listener()
  }
}
