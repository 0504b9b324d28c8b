// How a proxy's process, Weft's own or the agent of an Envoy, comes by its identity.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { type Random, systemRandom } from '../base/random.ts'
import { CommandFailure } from '../cli/contract/command-failure.ts'
import type { HostPort, ProxyStart } from '../cli/contract/process-starters.ts'
import { trustDomainOf } from '../data-plane/identity/certificate-chain.ts'
import { requestCertificate } from '../data-plane/identity/certificate-client.ts'
import { IdentityRefused, WorkloadIdentity } from '../data-plane/identity/workload-identity.ts'

const DEFAULT_TRUST_DOMAIN = 'cluster.local'

/** `<state>/proxies/<namespace>/<name>` */
export function proxyFolder(options: Pick<ProxyStart, 'stateDir' | 'namespace' | 'workload'>): string {
  return resolve(options.stateDir, 'proxies', options.namespace, options.workload)
}

/** Waits for the control plane where it must; throws CommandFailure when the mesh says no. */
export async function openIdentity(
  options: ProxyStart,
  host: { readonly clock: Clock; readonly log: Log; readonly random?: Random; readonly signal: AbortSignal },
): Promise<WorkloadIdentity> {
  const trustBundle = readText(options.trustBundle)
  const { namespace, serviceAccount } = options
  const trustDomain = (trustBundle && trustDomainOf(trustBundle)) || DEFAULT_TRUST_DOMAIN
  try {
    return await WorkloadIdentity.open(
      {
        clock: host.clock,
        random: host.random ?? systemRandom,
        log: host.log,
        folder: proxyFolder(options),
        spiffeId: { trustDomain, namespace, serviceAccount },
        trustBundle,
        joinTarget: formatHostPort(options.join),
        renewTarget: formatHostPort(options.controlPlane),
        token: () => (options.tokenFile === undefined ? null : (readText(options.tokenFile)?.trim() ?? null)),
        sign: requestCertificate,
      },
      host.signal,
    )
  } catch (error) {
    if (error instanceof IdentityRefused) throw new CommandFailure(error.message)
    throw new CommandFailure(`cannot open the identity in ${join(proxyFolder(options))}: ${(error as Error).message}`)
  }
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
