// What a proxy keeps of its identity on disk: key, certificate, trust bundle.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '../../base/atomic-file.ts'

export class IdentityFolder {
  readonly path: string

  /** Makes the folder, for its owner only. Throws the system's error. */
  constructor(path: string) {
    this.path = path
    mkdirSync(path, { recursive: true, mode: 0o700 })
    // It may have been there already, made by whoever wrote something less private into it.
    chmodSync(path, 0o700)
  }

  get key(): string | null {
    return this.#read('key.pem')
  }

  get certificate(): string | null {
    return this.#read('cert.pem')
  }

  get bundle(): string | null {
    return this.#read('bundle.pem')
  }

  writeKey(pem: string): void {
    writeFileAtomic(join(this.path, 'key.pem'), pem, 0o600)
  }

  writeCertificate(pem: string): void {
    writeFileAtomic(join(this.path, 'cert.pem'), pem, 0o644)
  }

  writeBundle(pem: string): void {
    writeFileAtomic(join(this.path, 'bundle.pem'), pem, 0o644)
  }

  #read(file: string): string | null {
    try {
      return readFileSync(join(this.path, file), 'utf8')
    } catch {
      return null
    }
  }
}
