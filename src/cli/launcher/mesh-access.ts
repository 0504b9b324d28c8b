// The control plane as a launcher deals with it: its API, and where proxies find it.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '../../base/atomic-file.ts'
import type { Clock } from '../../base/clock.ts'
import type { MeshAnswer, ProxyStatus } from '../client/api-answer.ts'
import type { ApiClient } from '../client/api-client.ts'
import { delay } from './delay.ts'
import { becomesReady } from './readiness.ts'

export interface MeshAccess {
  readonly api: ApiClient
  readonly mesh: MeshAnswer
}

export interface ProxyFiles {
  readonly directory: string
  readonly tokenFile: string
  readonly trustBundle: string
  /** Which process it is, and its admin port; written by the proxy. */
  readonly admin: string
}

const REQUEST_TIMEOUT_MS = 3000

export function proxyFiles(
  stateDir: string,
  workload: { readonly namespace: string; readonly name: string },
): ProxyFiles {
  const directory = join(stateDir, 'proxies', workload.namespace, workload.name)
  return {
    directory,
    tokenFile: join(directory, 'token'),
    trustBundle: join(directory, 'trust-bundle.pem'),
    admin: join(directory, 'admin.json'),
  }
}

/** A one-time token and the roots to check the control plane against, for a proxy about to start. */
export async function admitProxy(
  access: MeshAccess,
  files: ProxyFiles,
  identity: { readonly namespace: string; readonly name: string; readonly serviceAccount: string },
  timeoutMs = REQUEST_TIMEOUT_MS,
): Promise<void> {
  const { namespace, name, serviceAccount } = identity
  mkdirSync(files.directory, { recursive: true, mode: 0o700 })
  writeFileAtomic(files.trustBundle, access.mesh.trustBundle, 0o644)
  // A token of an earlier start is spent or soon void; better none than that one.
  rmSync(files.tokenFile, { force: true })
  const { token } = await access.api.post<{ token: string }>(
    '/v1/tokens',
    { namespace, name, serviceAccount },
    timeoutMs,
  )
  writeFileAtomic(files.tokenFile, token, 0o600)
}

/** Longer than the control plane gathers changes before it sends them. */
const GATHERING_MS = 120
const POLL_MS = 25

/** Resolves when every connected proxy has acknowledged what is to be known by now, or after `timeoutMs`. */
export async function allSynced(
  clock: Clock,
  access: MeshAccess,
  timeoutMs: number,
  given = () => false,
): Promise<void> {
  await delay(clock, GATHERING_MS)
  await becomesReady(() => everySynced(access), { clock, everyMs: POLL_MS, timeoutMs, given })
}

async function everySynced(access: MeshAccess): Promise<boolean> {
  const { proxies } = await access.api.get<{ proxies: readonly ProxyStatus[] }>('/v1/proxies', REQUEST_TIMEOUT_MS)
  const settled = new Set(['SYNCED', 'NOT SENT', 'ERROR'])
  return proxies.every(proxy => Object.values(proxy.types).every(type => settled.has(type.state)))
}
