// Parsers for the values of options, each refusing with a sentence (exit 64).
import { InvalidArgumentError } from 'commander'
import type { HostPort } from './process-starters.ts'

const MAX_PORT = 65_535
const LABEL = /^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$/

export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > MAX_PORT) throw new InvalidArgumentError('a port is a number from 0 to 65535.')
  return port
}

export function parsePositive(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw new InvalidArgumentError('a positive whole number, please.')
  return Number(text)
}

const MAX_CONCURRENCY = 128

export function parseConcurrency(text: string): number {
  const loops = parsePositive(text)
  if (loops > MAX_CONCURRENCY) throw new InvalidArgumentError(`at most ${MAX_CONCURRENCY} event loops.`)
  return loops
}

export function parseSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number of seconds, please.')
  return Number(text)
}

export function parseHostPort(text: string): HostPort {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon)
  if (colon < 1 || !/^\d{1,5}$/.test(text.slice(colon + 1))) throw new InvalidArgumentError('HOST:PORT, please.')
  return { host, port: parsePort(text.slice(colon + 1)) }
}

/** `app=reviews,version=v1`; given several times, the labels add up. */
export function parseLabels(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const labels: Record<string, string> = { ...before }
  for (const pair of text.split(',').filter(part => part !== '')) {
    const [key = '', value = ''] = pair.split('=', 2)
    if (!LABEL.test(key) || !pair.includes('=') || (value !== '' && !LABEL.test(value))) {
      throw new InvalidArgumentError(`"${pair}" is no label; give KEY=VALUE,KEY=VALUE.`)
    }
    labels[key] = value
  }
  return labels
}

/** `NAME` or `NAME.NAMESPACE`, after `pod/` or the like, as istioctl takes it. */
export function parseWorkloadName(text: string, defaultNamespace: string): { name: string; namespace: string } {
  const [name = '', namespace = defaultNamespace] = text.slice(text.indexOf('/') + 1).split('.', 2)
  return { name, namespace }
}
