// A program in the mesh that calls what it is told to: `weft run` with a client that reads URLs and tells what came.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { RunningMesh } from '../integration/running-mesh.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Knows nothing of the mesh: that its calls go there is told by the environment. */
const PROGRAM = `
import { createInterface } from 'node:readline'
for await (const url of createInterface(process.stdin)) {
  const answer = await fetch(url)
  console.log(JSON.stringify({ status: answer.status, body: await answer.text() }))
}
`

export interface CallersAnswer {
  readonly status: number
  readonly body: string
}

export class MeshCaller {
  readonly #child: ChildProcess
  readonly #answers: NodeJS.AsyncIterator<string>

  constructor(mesh: RunningMesh, service: string) {
    const command = [process.execPath, '--input-type=module', '-e', PROGRAM]
    this.#child = spawn(
      process.execPath,
      [join(ROOT, 'bin/weft.js'), 'run', '--service', service, '--state', mesh.state, '--', ...command],
      { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const lines: Interface = createInterface(this.#child.stdout!)
    this.#answers = lines[Symbol.asyncIterator]()
  }

  /** Resolves once it is in the mesh and has been answered. */
  async get(url: string): Promise<CallersAnswer> {
    this.#child.stdin!.write(`${url}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`the caller ended before an answer from ${url}`)
    return JSON.parse(value)
  }

  /** The program ends with its input, and leaves the mesh in order. */
  async stop(): Promise<number> {
    const ended = new Promise<number>(done => this.#child.once('close', code => done(code ?? -1)))
    if (this.#child.exitCode !== null) return this.#child.exitCode
    this.#child.stdin!.end()
    return await ended
  }
}
