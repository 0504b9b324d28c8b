// Certificates by the names that Istio's proxies ask for them by, whoever has them: here the agent beside the proxy.
import type { KeyPairSource, RootsSource } from '../../model/server-tls.ts'

export function keyPairSecret(source: KeyPairSource): string {
  return source.kind === 'files'
    ? `file-cert:${source.certificate}~${source.privateKey}`
    : `kubernetes://${source.name}`
}

export function rootsSecret(source: RootsSource): string {
  if (source.kind === 'credential') return `kubernetes://${source.name}-cacert`
  return source.revocations === '' ? `file-root:${source.file}` : `file-root:${source.file}~${source.revocations}`
}
