// A process of the benchmark, pinned to its cores so that contestant and load do not take each other's time.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

const SECONDS_TO_END = 10
const running = new Set<ChildProcess>()

export interface Child extends AsyncDisposable {
  readonly pid: number
  /** Program and arguments. */
  readonly command: readonly string[]
  /** How it ended, by itself; null while it runs. */
  readonly ended: string | null
}

/** What a benchmark that is broken off leaves behind is nothing. */
export function endChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}

export interface ChildOptions {
  readonly cores: string
  readonly command: string
  readonly args: readonly string[]
  readonly directory: string
  readonly env?: Readonly<Record<string, string>>
}

/** What it says goes to `output.log` in its directory. */
export function startChild(options: ChildOptions): Child {
  const { cores, command, args, directory, env } = options
  const output = openSync(join(directory, 'output.log'), 'a')
  const child = spawn('taskset', ['-c', cores, command, ...args], {
    cwd: directory,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
  })
  closeSync(output)
  running.add(child)
  let how: string | null = null
  const exited = new Promise<void>(done =>
    child.once('exit', (code, signal) => {
      running.delete(child)
      how = `${signal ?? `exit ${code}`}: ${lastWords(join(directory, 'output.log'))}`
      done()
    }),
  )
  return {
    pid: child.pid!,
    command: [command, ...args],
    get ended() {
      return how
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      const last = setTimeout(() => child.kill('SIGKILL'), SECONDS_TO_END * 1000)
      await exited
      clearTimeout(last)
    },
  }
}

function lastWords(file: string): string {
  return readFileSync(file, 'utf8').trim().split('\n').slice(-2).join(' ') || 'it said nothing'
}

/** Runs a program to its end; its standard output. Rejects when it fails. */
export async function runChild(cores: string, command: string, args: readonly string[]): Promise<string> {
  const child = spawn('taskset', ['-c', cores, command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let [text, complaint] = ['', '']
  child.stdout.on('data', chunk => (text += chunk))
  child.stderr.on('data', chunk => (complaint += chunk))
  const code = await new Promise(done => child.once('close', done))
  running.delete(child)
  if (code !== 0) throw new Error(`${command}: ${complaint.trim().split('\n').at(-1) || `exit ${code}`}`)
  return text
}

export async function freePort(): Promise<number> {
  return await new Promise((done, fail) => {
    const probe = createServer().once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => done(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Resolves when something accepts on the port; rejects when `child` has ended, or after twenty seconds. */
export async function accepting(port: number, child: Child): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (child.ended !== null) throw new Error(`did not start: ${child.ended}`)
    const open = await new Promise<boolean>(done => {
      const socket = connect(port, '127.0.0.1', () => done(socket.destroy() !== undefined))
      socket.once('error', () => done(false))
    })
    if (open) return
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error(`nothing listens on 127.0.0.1:${port}`)
}
