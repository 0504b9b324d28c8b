// One of the two proxies that are compared, with upstreams of its own: started from the plan, asked, stopped.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from '../integration/steady-load.ts'
import { talkHttp1 } from './http1/client.ts'
import { bootstrap, DEAD_CLUSTER, ENDPOINTS, FAR_LISTENER, type ListenerPlan } from './plan.ts'
import { Upstreams } from './upstreams.ts'

export type SideName = 'envoy' | 'weft'

export type LogEntry = Readonly<Record<string, string | number | null>>

const ROOT = join(import.meta.dirname, '../..')
/** Bounds against hanging, not figures. */
const START_LIMIT_MS = 90_000
const LOG_LIMIT_MS = 60_000
const POLL_MS = 20

export class Side {
  readonly name: SideName
  readonly upstreams: Upstreams
  readonly #folder: string
  readonly #child: ChildProcess
  readonly #output: { text: string }
  readonly #first: string
  #listeners: ReadonlyMap<string, number> = new Map()
  #marks = 0

  private constructor(name: SideName, upstreams: Upstreams, folder: string, child: ChildProcess, first: string) {
    this.name = name
    this.#first = first
    this.upstreams = upstreams
    this.#folder = folder
    this.#child = child
    this.#output = collect(child)
  }

  /**
   * Resolves when every listener accepts, of which the first has the host of probes; rejects with all that the process
   * said. `far`: the port of another's listener.
   */
  static async start(name: SideName, listeners: readonly ListenerPlan[], far = 1): Promise<Side> {
    const upstreams = await Upstreams.start(ENDPOINTS)
    const folder = mkdtempSync(join(tmpdir(), `weft-differential-${name}-`))
    const file = join(folder, 'bootstrap.json')
    const ports = new Map<string, number>([...upstreams.ports, [FAR_LISTENER, far]])
    writeFileSync(file, JSON.stringify(bootstrap(listeners, ports, join(folder, 'access.log')), null, 1))
    const child = name === 'envoy' ? startEnvoy(file, folder) : startWeft(file)
    const side = new Side(name, upstreams, folder, child, listeners[0]!.name)
    try {
      await side.#ready()
      return side
    } catch (error) {
      await side.stop()
      throw error
    }
  }

  port(listener: string): number {
    const port = this.#listeners.get(listener)
    if (port === undefined) throw new Error(`${this.name} has no listener ${listener}`)
    return port
  }

  /** The endpoint's cluster, for an address that the access log names. */
  clusterAt(address: string): string {
    const port = Number(address.slice(address.lastIndexOf(':') + 1))
    for (const [name, own] of this.upstreams.ports) if (own === port) return name
    return port === 1 ? DEAD_CLUSTER : address
  }

  /** Once its one event loop has taken what came before: it has answered somebody who came later, and somebody after that. */
  async caughtUp(): Promise<void> {
    const url = `http://127.0.0.1:${this.port(this.#first)}/probe`
    for (let turn = 0; turn < 2; turn++) await ask(url, { headers: { host: 'probe' } })
  }

  /** The log's entries of the connections named by their ports, once all that have ended are written. */
  async logs(listener: string): Promise<readonly LogEntry[]> {
    const mark = `/mark-${++this.#marks}`
    const writes = [`GET ${mark} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n`]
    await talkHttp1(this.port(listener), { protocol: 'http1', writes, methods: ['GET'], probe: false })
    const file = join(this.#folder, 'access.log')
    const found = await until(LOG_LIMIT_MS, async () => {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
      return text.includes(`"${mark}"`) && text.endsWith('\n') ? text : null
    })
    if (found === null) throw new Error(`${this.name} has not logged ${mark}`)
    return found
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as LogEntry)
  }

  async stop(): Promise<void> {
    const gone = new Promise(done => this.#child.once('close', done))
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await gone
    }
    await this.upstreams.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #ready(): Promise<void> {
    const listeners = await until(START_LIMIT_MS, async () => {
      if (this.#child.exitCode !== null) throw new Error(`${this.name} ended at its start:\n${this.#output.text}`)
      const admin = this.#adminAddress()
      return admin === null ? null : await this.#askListeners(admin)
    })
    if (listeners === null) throw new Error(`${this.name} is not ready in time:\n${this.#output.text}`)
    this.#listeners = listeners
  }

  #adminAddress(): string | null {
    const file = join(this.#folder, 'admin')
    if (this.name === 'envoy') return existsSync(file) ? readFileSync(file, 'utf8').trim() || null : null
    const port = / live .*admin=(\d+)/.exec(this.#output.text)?.[1]
    return port === undefined ? null : `127.0.0.1:${port}`
  }

  async #askListeners(admin: string): Promise<ReadonlyMap<string, number> | null> {
    const ready = await fetch(`http://${admin}/ready`).catch(() => null)
    if (!ready?.ok) return null
    const response = await fetch(`http://${admin}/listeners?format=json`)
    const { listener_statuses: statuses } = (await response.json()) as {
      listener_statuses: { name: string; local_address: { socket_address?: { port_value: number } } }[]
    }
    return new Map(statuses.map(status => [status.name, status.local_address.socket_address?.port_value ?? 0]))
  }
}

function startEnvoy(file: string, folder: string): ChildProcess {
  const envoy = process.env['ENVOY']
  if (envoy === undefined || envoy === '')
    throw new Error('Envoy is missing: npm run test:system installs it; ENVOY names it')
  const admin = join(folder, 'admin')
  const options = ['--concurrency', '1', '--use-dynamic-base-id', '--file-flush-interval-msec', '50']
  return spawn(envoy, ['-c', file, '--admin-address-path', admin, '--log-level', 'warning', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function startWeft(file: string): ChildProcess {
  const program = join(ROOT, 'src/main/bin.ts')
  return spawn(process.execPath, [program, 'proxy', '-c', file], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
}

function collect(child: ChildProcess): { text: string } {
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output.text += text
    })
  return output
}

async function until<T>(limitMs: number, attempt: () => Promise<T | null>): Promise<T | null> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const found = await attempt()
    if (found !== null || performance.now() > deadline) return found
    await new Promise(wake => setTimeout(wake, POLL_MS))
  }
}
