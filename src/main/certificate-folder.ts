// The folder of a proxy's state whose certificates a control plane may name by their files.
import { readFileSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import type { CertificateFolder } from '../data-plane/transport-socket/certificate-files.ts'

export function certificateFolder(stateDir: string): CertificateFolder {
  const folder = resolve(join(stateDir, 'certificates'))
  return {
    read(name) {
      const file = resolve(folder, name)
      if (!file.startsWith(folder + sep)) return null
      try {
        return readFileSync(file, 'utf8')
      } catch {
        return null
      }
    },
  }
}
