// A whole mesh in processes of its own, started as a person starts it and stopped the same way.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const program = join(root, 'bin/weft.js')

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface ProcessRow {
  readonly name: string
  readonly role: string
  readonly pid: number
  readonly ports: Readonly<Record<string, number>>
}

export async function weft(args: readonly string[], input = ''): Promise<CommandResult> {
  const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] })
  const output = collect(child)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const code = await new Promise<number>(done => child.once('close', status => done(status ?? -1)))
  return { code, stdout: output.stdout, stderr: output.stderr }
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  return output
}

export class RunningMesh {
  readonly gateway: string
  readonly api: string
  readonly state: string
  readonly #child: ChildProcess
  readonly #output: { stdout: string; stderr: string }

  private constructor(child: ChildProcess, output: { stdout: string; stderr: string }, state: string) {
    const line = JSON.parse(output.stdout.split('\n')[0]!)
    this.gateway = line.gateway
    this.api = line.api
    this.state = state
    this.#child = child
    this.#output = output
  }

  /** Starts `weft up`; rejects with everything it said when it ends before it is ready. */
  static async start(
    directory: string,
    options: { state?: string; args?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
  ): Promise<RunningMesh> {
    const state = options.state ?? mkdtempSync(join(tmpdir(), 'weft-mesh-'))
    const ports = ['--gateway-port', '0', '--api-port', '0']
    const child = spawn(
      process.execPath,
      [program, 'up', directory, '-o', 'json', '--state', state, ...ports, ...(options.args ?? [])],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
    )
    const output = collect(child)
    await new Promise<void>((ready, fail) => {
      child.once('exit', code => fail(new Error(`weft up ended with ${code}:\n${output.stderr}`)))
      child.stdout.on('data', () => {
        if (output.stdout.includes('\n')) ready()
      })
    })
    return new RunningMesh(child, output, state)
  }

  /** What was printed on standard error so far. */
  get progress(): string {
    return this.#output.stderr
  }

  async run(...args: readonly string[]): Promise<CommandResult> {
    return await weft([...args, '--state', this.state])
  }

  async apply(yaml: string, ...args: readonly string[]): Promise<CommandResult> {
    return await weft(['apply', '-f', '-', ...args, '--state', this.state], yaml)
  }

  async processes(): Promise<ProcessRow[]> {
    const { stdout } = await this.run('ps', '-o', 'json')
    const parsed = JSON.parse(stdout)
    return Array.isArray(parsed) ? parsed : parsed.processes
  }

  async processNamed(match: (row: ProcessRow) => boolean): Promise<ProcessRow> {
    const rows = await this.processes()
    const row = rows.find(match)
    if (row === undefined) throw new Error(`no such process among ${JSON.stringify(rows)}`)
    return row
  }

  /** As Ctrl-C does; resolves with the exit code. */
  async interrupt(): Promise<number> {
    if (this.#child.exitCode !== null) return this.#child.exitCode
    const ended = new Promise<number>(done =>
      this.#child.once('exit', (code, signal) => done(code ?? (signal ? -1 : 0))),
    )
    this.#child.kill('SIGINT')
    return await ended
  }

  async stop(): Promise<void> {
    await this.interrupt()
    rmSync(this.state, { recursive: true, force: true })
  }
}

/** Polls until `check` holds; a bound against hanging, not a figure. */
export async function eventually(
  what: string,
  check: () => Promise<boolean> | boolean,
  limitMs = 30_000,
): Promise<void> {
  const end = Date.now() + limitMs
  while (Date.now() < end) {
    if (await check()) return
    await new Promise(done => setTimeout(done, 50))
  }
  throw new Error(`${what}: not within ${limitMs} ms`)
}
