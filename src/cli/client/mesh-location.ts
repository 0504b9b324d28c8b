// Where the mesh is: --server URL, or what the control plane wrote into the state directory.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { CliContext } from '../contract/cli-context.ts'
import { CommandFailure } from '../contract/command-failure.ts'
import { ApiClient } from './api-client.ts'

export interface MeshOptions {
  readonly state: string
  readonly server?: string
}

/** `<state>/mesh.json`, written by the control plane when it is ready. */
export interface MeshFile {
  readonly api: string
  readonly xds: string
  readonly join: string
  readonly trustDomain: string
  readonly pid: number
  readonly startedAt: string
}

export const DEFAULT_STATE = '.weft'

const API_TIMEOUT_MS = 30_000

export function stateOption(): Option {
  return new Option('--state <dir>', 'directory that keeps the mesh').default(DEFAULT_STATE).env('WEFT_STATE')
}

export function addMeshOptions(command: Command): Command {
  return command
    .addOption(stateOption())
    .addOption(new Option('--server <url>', 'address of the API, instead of --state').env('WEFT_SERVER'))
}

/** Throws CommandFailure where no mesh can be found. */
export function connectToMesh(context: CliContext, options: MeshOptions): ApiClient {
  const baseUrl = options.server ?? readMeshFile(context, options.state).api
  if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) throw new CommandFailure(`"${baseUrl}" is no http address`)
  const from = options.server === undefined ? ` (as ${join(options.state, 'mesh.json')} says)` : ''
  return new ApiClient({
    baseUrl,
    token: context.env['WEFT_TOKEN'] ?? ownToken(context, options, baseUrl),
    fetch: context.fetch,
    whenUnreachable: `WEFT-3003: no mesh answers at ${baseUrl}${from}; ${HOW_TO_START}`,
    timeoutMs: API_TIMEOUT_MS,
  })
}

export function readMeshFile(context: CliContext, state: string): MeshFile {
  const file = resolve(context.cwd, state, 'mesh.json')
  if (!existsSync(file)) throw new CommandFailure(`WEFT-3003: no mesh is running from ${state}; ${HOW_TO_START}`)
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as MeshFile
  } catch {
    throw new CommandFailure(`WEFT-3007: ${file} cannot be read as JSON; ${HOW_TO_START}`)
  }
}

/** The token on disk is for this machine's mesh: whatever else --server may name is not told it. */
function ownToken(context: CliContext, options: MeshOptions, baseUrl: string): string {
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(baseUrl).hostname)
  return loopback || options.server === undefined ? readOperatorTokenFile(resolve(context.cwd, options.state)) : ''
}

/** Empty where there is none, or none that this user may read. */
export function readOperatorTokenFile(stateDir: string): string {
  try {
    return readFileSync(join(stateDir, 'operator.token'), 'utf8').trim()
  } catch {
    return ''
  }
}

const HOW_TO_START = 'start one with "weft up DIR", or name it with --state or --server'
