// Bookinfo as `weft up` starts it, with a real Envoy as the sidecar of one workload: both proxies hold the same config.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, runChild, startChild } from '../harness/child.ts'
import { ALL_CORES } from '../harness/cores.ts'
import { peer } from '../harness/peer.ts'
import { programBelow } from '../harness/process-cost.ts'
import { weftProgram } from './weft.ts'

const example = join(import.meta.dirname, '../../examples/bookinfo')
const ENVOY_SERVICE = 'ratings'
const WORKLOADS = { weft: 'productpage-v1-0', envoy: `${ENVOY_SERVICE}-v1-0` } as const
const READY_MS = 60_000

export type MeshProxy = keyof typeof WORKLOADS

export interface Sidecar {
  readonly pid: number
  /** Where its application sends what is for the mesh. */
  readonly outboundPort: number
}

export class BookinfoMesh {
  readonly process: Child
  readonly #state: string

  private constructor(process: Child, state: string) {
    this.process = process
    this.#state = state
  }

  static async start(directory: string, release: AsyncDisposableStack): Promise<BookinfoMesh> {
    const [config, state] = [join(directory, 'bookinfo'), join(directory, 'state')]
    cpSync(example, config, { recursive: true })
    const file = join(config, 'weft.yaml')
    const service = `  - service: ${ENVOY_SERVICE}\n`
    writeFileSync(file, readFileSync(file, 'utf8').replace(service, `${service}    proxy: envoy\n`))
    const args = [weftProgram(), 'up', config, '--state', state, '--gateway-port', '0', '--api-port', '0', '-o', 'json']
    const env = { ENVOY: peer('envoy') }
    const child = release.use(startChild({ cores: ALL_CORES, command: process.execPath, args, directory, env }))
    for (let waited = 0; !/^\{.*\}$/m.test(readFileSync(join(directory, 'output.log'), 'utf8')); waited += 100) {
      if (child.ended !== null || waited > READY_MS)
        throw new Error(`weft up did not start: ${child.ended ?? 'too slow'}`)
      await sleep(100)
    }
    return new BookinfoMesh(child, state)
  }

  async sidecar(kind: MeshProxy): Promise<Sidecar> {
    const args = [weftProgram(), 'ps', '--state', this.#state, '-o', 'json']
    const { processes } = JSON.parse(await runChild(ALL_CORES, process.execPath, args)) as {
      processes: readonly { name: string; pid: number; ports: Readonly<Record<string, number>> }[]
    }
    const found = processes.find(({ name }) => name === `${WORKLOADS[kind]}-proxy`)
    if (found === undefined) throw new Error(`no sidecar of ${WORKLOADS[kind]}`)
    // Beside an Envoy runs its agent, as in Istio; it is not counted.
    const pid = kind === 'envoy' ? programBelow(found.pid, 'envoy') : found.pid
    return { pid, outboundPort: found.ports['http-proxy'] ?? 0 }
  }
}
