// The program `weft`: hands the command line the world, and loads the engine of a process only when it is to be one.
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import type { CliContext, StopSignal } from '../cli/contract/cli-context.ts'
import type { ProcessStarters } from '../cli/contract/process-starters.ts'
import { PROXY_ENVIRONMENT, PROXY_HEAP_FLAGS } from '../cli/launcher/proxy-heap.ts'
import { runProgram } from '../cli/program.ts'
import { toStandardError } from './standard-error.ts'

/** This process is no command that prints and ends: it runs until it is stopped. */
let isServing = false

// A proxy that is started by hand gets the V8 that the launcher gives one, unless it is given flags of its own.
if (process.argv[2] === 'proxy' && process.execArgv.length === 0 && process.platform !== 'win32') {
  const args = [process.execPath, ...PROXY_HEAP_FLAGS, ...process.argv.slice(1)]
  process.execve?.(process.execPath, args, { ...PROXY_ENVIRONMENT, ...process.env } as NodeJS.ProcessEnv)
}

/** How long the log's last lines may take. */
const LAST_WORDS_MS = 2000
const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']

const starters: ProcessStarters = {
  controlPlane: async options => {
    isServing = true
    return (await import('./control-plane.ts')).startControlPlane(options)
  },
  proxy: async options => {
    isServing = true
    return options.envoy === undefined
      ? (await import('./proxy.ts')).startProxy(options)
      : (await import('./envoy-agent.ts')).startEnvoyAgent({ ...options, envoy: options.envoy })
  },
  staticProxy: async options => {
    isServing = true
    return (await import('./static-proxy.ts')).startStaticProxy(options)
  },
  checkBootstrap: async ({ file }) => {
    const checked = await (await import('./static-proxy.ts')).checkBootstrap(file)
    return checked.ok ? [] : checked.problems
  },
  bootstrap: async input => (await import('./envoy-agent.ts')).envoyBootstrap(input),
}

const context: Omit<CliContext, 'allCommands'> = {
  stdout: text => void process.stdout.write(text),
  stderr: toStandardError,
  readStdin: async () => {
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  },
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  random: systemRandom,
  fetch,
  self: [process.execPath, ...process.execArgv, join(import.meta.dirname, '../../bin/weft.js')],
  onStopSignal: listener => {
    isServing = true
    for (const signal of STOP_SIGNALS) process.on(signal, listener)
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, listener)
    }
  },
  starters,
}

// Output cut short by the reader (`weft get all | head`) is no failure, and no reason to stop serving.
process.stdout.on('error', () => {
  if (!isServing) process.exit(0)
})

/** The clock's timers do not keep a process alive; what a verb waits for must. */
const alive = setInterval(() => {}, 2 ** 30)
process.exitCode = await runProgram(context, process.argv.slice(2))
clearInterval(alive)
// What is still to be written keeps the process, and a reader that stands still takes it never.
if (isServing) setTimeout(() => process.exit(), LAST_WORDS_MS).unref()
