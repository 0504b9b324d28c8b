// One run of wrk: closed loop, keep-alive, latencies as it prints them.
import { spawn } from 'node:child_process'
import { CORE } from './child.ts'

export interface LoadResult {
  readonly requests: number
  readonly errors: number
  /** Milliseconds. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

function percentile(text: string, which: number): number {
  const found = new RegExp(`^\\s+${which}%\\s+([\\d.]+)(us|ms|s|m)`, 'm').exec(text)
  return found ? Number(found[1]) * UNIT_MS[found[2]!]! : Number.NaN
}

function count(text: string, pattern: RegExp): number {
  return [...(pattern.exec(text) ?? []).slice(1)].reduce((sum, figure) => sum + Number(figure), 0)
}

export async function load(
  wrk: string,
  url: string,
  authority: string,
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const args = [
    '-c',
    CORE.load,
    wrk,
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    '-H',
    `Host: ${authority}`,
    url,
  ]
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', chunk => {
    text += chunk
  })
  await new Promise(done => child.once('exit', done))
  return {
    requests: count(text, /(\d+) requests in/),
    errors:
      count(text, /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/) +
      count(text, /Non-2xx or 3xx responses: (\d+)/),
    p50: percentile(text, 50),
    p90: percentile(text, 90),
    p99: percentile(text, 99),
  }
}
