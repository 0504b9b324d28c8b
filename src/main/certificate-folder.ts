// The folder of a proxy's state whose certificates a control plane may name by their files.
import { readFileSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { CertificateFolder } from '../data-plane/transport-socket/certificate-files.ts'

/** Istio's name for what the system trusts; a file of that name is never read. */
const SYSTEM_ROOTS = 'system'

/** Of the machine; where it keeps none, those that Node comes with. Read once: what is installed later counts from the next start. */
let roots: string | null = null
function systemRoots(): string {
  if (roots === null) {
    const installed = getCACertificates('system')
    roots = (installed.length > 0 ? installed : getCACertificates('bundled')).join('\n')
  }
  return roots
}

export function certificateFolder(stateDir: string): CertificateFolder {
  const folder = resolve(join(stateDir, 'certificates'))
  return {
    read(name) {
      if (name === SYSTEM_ROOTS) return systemRoots()
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
