// Weft as its package ships it, by the sidecar's bootstrap, started as `weft run` starts a proxy.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROXY_ENVIRONMENT, PROXY_HEAP_FLAGS } from '../../src/cli/launcher/proxy-heap.ts'
import { startChild } from '../harness/child.ts'
import { contestantCores } from '../harness/cores.ts'
import type { Contestant } from './contestant.ts'
import { sidecarBootstrap } from './sidecar-bootstrap.ts'

const root = join(import.meta.dirname, '../..')
const packaged = join(root, 'build/bench/weft')

export interface WeftCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

let built = false

/**
 * What is measured: the package, because a checkout strips its types at each start; WEFT names another program, say
 * that of a checkout at the merge base.
 */
export function weftProgram(): string {
  const named = process.env['WEFT'] ?? ''
  if (named !== '') return named
  if (!built) buildPackage()
  built = true
  return join(packaged, 'bin/weft.js')
}

/** Below this package, so that its dependencies are found. */
function buildPackage(): void {
  if (spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' }).status !== 0)
    throw new Error('npm run build failed')
  rmSync(packaged, { recursive: true, force: true })
  mkdirSync(packaged, { recursive: true })
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(root, part), join(packaged, part), { recursive: true })
}

/** `node FLAGS weft proxy -c FILE`, with what goes before the program in `nodeOptions`. */
export function weftCommand(config: string, workers: number, nodeOptions: readonly string[] = []): WeftCommand {
  const concurrency = workers === 1 ? [] : ['--concurrency', String(workers)]
  const args = [...PROXY_HEAP_FLAGS, ...nodeOptions, weftProgram(), 'proxy', '-c', config, ...concurrency]
  return { command: process.execPath, args, env: PROXY_ENVIRONMENT }
}

/** `nodeOptions` are for benchmarks that look inside the process. */
export function weftWith(nodeOptions: readonly string[]): Contestant {
  return {
    name: 'weft',
    missing: () => undefined,
    start(run) {
      const { directory, workers } = run
      const file = join(directory, 'weft.json')
      writeFileSync(file, JSON.stringify(sidecarBootstrap(run)))
      const cores = contestantCores(workers)
      return startChild({ cores, directory, ...weftCommand(file, workers, nodeOptions) })
    },
  }
}

export const weft: Contestant = weftWith([])
