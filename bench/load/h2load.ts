// HTTP/2 by h2load: so many streams at a time on each connection; latencies from its log of every request.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../harness/child.ts'
import { peer } from '../harness/peer.ts'
import { AUTHORITY, type LoadResult, type LoadTarget, percentiles, urlOf } from './load-result.ts'

export interface H2loadOptions {
  readonly cores: string
  readonly connections: number
  readonly streams: number
  readonly seconds: number
  /** Requests are POSTs of this, as gRPC's are. */
  readonly grpcMessage?: Uint8Array
}

export async function h2load(target: LoadTarget, options: H2loadOptions): Promise<LoadResult> {
  const { cores, connections, streams, seconds, grpcMessage } = options
  const directory = mkdtempSync(join(tmpdir(), 'weft-bench-h2load-'))
  try {
    const [log, body] = [join(directory, 'log'), join(directory, 'body')]
    const args = ['-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`, `--log-file=${log}`]
    if (target.scheme === 'http') args.push('-ph2c')
    args.push('-H', `:authority: ${AUTHORITY}`)
    if (grpcMessage !== undefined) {
      writeFileSync(body, grpcMessage)
      args.push('-d', body, '-H', 'content-type: application/grpc', '-H', 'te: trailers')
    }
    const text = await runChild(cores, peer('h2load'), [...args, urlOf(target)])
    const [, , , , , failed = 0, errored = 0] = numbers(
      text,
      /requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/,
    )
    return { ...latencies(readFileSync(log, 'latin1')), seconds, errors: failed + errored + notOk(text) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A line is start, status and duration in microseconds, by tabs. */
function latencies(log: string): Pick<LoadResult, 'requests' | 'p50' | 'p90' | 'p99' | 'max'> {
  const lines = log.split('\n').filter(Boolean)
  return { requests: lines.length, ...percentiles(lines.map(line => Number(line.split('\t')[2]) / 1000)) }
}

function notOk(text: string): number {
  const [, , redirected = 0, wrong = 0, broken = 0] = numbers(text, /codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/)
  return redirected + wrong + broken
}

/** The match and what its parentheses hold. */
function numbers(text: string, pattern: RegExp): number[] {
  return (pattern.exec(text) ?? []).map(Number)
}
