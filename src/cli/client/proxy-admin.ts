// A proxy's admin interface, Weft's or Envoy's: found by the workload's name.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { findWorkload } from './find-workload.ts'
import { connectToMesh, type MeshOptions } from './mesh-location.ts'

const ADMIN_TIMEOUT_MS = 10_000

/** The text behind `path` of the proxy's admin interface; rejects with CommandFailure. */
export async function readProxyAdmin(context: CliContext, address: string, path: string): Promise<string> {
  try {
    const response = await context.fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS) })
    const text = await response.text()
    if (response.ok) return text
    throw new CommandFailure(`the proxy's admin interface at ${address} answered ${response.status} to ${path}`)
  } catch (error) {
    if (error instanceof CommandFailure) throw error
    throw new CommandFailure(`the proxy's admin interface at ${address} does not answer; is the proxy running?`)
  }
}

/** `127.0.0.1:15000`: from what the proxy wrote into the state directory, else from the registry. */
export async function findProxyAdmin(
  context: CliContext,
  options: MeshOptions,
  workload: { readonly name: string; readonly namespace: string },
): Promise<string> {
  const port = (options.server === undefined && adminPortOnDisk(context, options.state, workload)) || undefined
  if (port !== undefined) return `127.0.0.1:${port}`
  const instance = await findWorkload(connectToMesh(context, options), workload)
  if (instance.proxy?.adminPort) return `${instance.address}:${instance.proxy.adminPort}`
  throw new CommandFailure(`${workload.name}.${workload.namespace} has no proxy with an admin interface`)
}

function adminPortOnDisk(
  context: CliContext,
  state: string,
  workload: { readonly name: string; readonly namespace: string },
): number | undefined {
  const file = resolve(context.cwd, state, 'proxies', workload.namespace, workload.name, 'admin.json')
  try {
    const { adminPort, pid } = JSON.parse(readFileSync(file, 'utf8')) as { adminPort?: number; pid?: number }
    if (pid !== undefined) process.kill(pid, 0)
    return adminPort
  } catch {
    return undefined
  }
}
