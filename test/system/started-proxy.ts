// A proxy of a system test, Envoy or Weft, whose ports the system chose.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const ROOT = join(import.meta.dirname, '../..')
/** A bound against hanging, not a figure. */
const START_LIMIT_MS = 90_000

export interface StartedProxy {
  readonly child: ChildProcess
  readonly admin: number
  readonly port: number
}

/** The port in a file that Envoy writes: `address:port`. */
export function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').split(':')[1] : undefined
}

/** Once its only listener is bound. `adminPort` finds the admin's port in what the proxy says, or not yet. */
export async function startProxy(
  program: string,
  argv: readonly string[],
  adminPort: (output: string) => string | undefined,
): Promise<StartedProxy> {
  const child = spawn(program, argv, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const deadline = performance.now() + START_LIMIT_MS
  for (; performance.now() < deadline && child.exitCode === null; await sleep(20)) {
    const admin = adminPort(output)
    const page = admin && (await fetch(`http://127.0.0.1:${admin}/listeners?format=json`).catch(() => null))
    const port = page && /"port_value":\s*(\d+)/.exec(await page.text())?.[1]
    if (port && Number(port) > 0) return { child, admin: Number(admin), port: Number(port) }
  }
  child.kill()
  throw new Error(`${program} does not start: ${output}`)
}
