// HTTP/1.1 by wrk: closed loop, keep-alive, latencies as it prints them.
import { runChild } from '../harness/child.ts'
import { peer } from '../harness/peer.ts'
import { AUTHORITY, type LoadResult, type LoadTarget, urlOf } from './load-result.ts'

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

export async function wrk(
  target: LoadTarget,
  { cores, connections, seconds }: { cores: string; connections: number; seconds: number },
): Promise<LoadResult> {
  const limits = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '--latency']
  const text = await runChild(cores, peer('wrk'), [...limits, '-H', `Host: ${AUTHORITY}`, urlOf(target)])
  return {
    requests: sum(text, /(\d+) requests in/),
    errors:
      sum(text, /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/) +
      sum(text, /Non-2xx or 3xx responses: (\d+)/),
    seconds,
    p50: percentile(text, 50),
    p90: percentile(text, 90),
    p99: percentile(text, 99),
    max: milliseconds(/Latency\s+\S+\s+\S+\s+([\d.]+)(us|ms|s|m)/.exec(text)),
  }
}

function percentile(text: string, which: number): number {
  return milliseconds(new RegExp(`^\\s+${which}%\\s+([\\d.]+)(us|ms|s|m)`, 'm').exec(text))
}

function milliseconds(found: RegExpExecArray | null): number {
  return found ? Number(found[1]) * UNIT_MS[found[2]!]! : Number.NaN
}

function sum(text: string, pattern: RegExp): number {
  return (pattern.exec(text) ?? []).slice(1).reduce((total, figure) => total + Number(figure), 0)
}
