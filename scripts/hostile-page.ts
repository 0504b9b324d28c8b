// The generated page of what hostile traffic gets: docs/hostile-traffic.md, from the tables that the tests run.
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { HostileClass, HostileUpstreamClass } from '../test/hostile/hostile-case.ts'

const root = join(import.meta.dirname, '..')

const INTRODUCTION = `# Hostile traffic

What a client gets for what it should not send, what of it reaches the upstream, and where it shows; then what a client gets when the upstream sends what it should not. Generated from \`test/hostile/*.cases.ts\` by \`npm run docs\`; the tests send every row, the upstream keeps every byte, and all columns are compared.

\`closed\` and \`kept\` are what becomes of the connection; another client's connection never notices. \`cut short\`: the upstream got the beginning of a request, whose body turned out to be broken; its connection is dropped in the middle of it and never used again. Counters of connections and requests are below \`http.<stat prefix>.\`, those of \`http2.\` the process's, those of upstreams below \`cluster.<name>.\`; \`downstream_rq_4xx\`, which counts every refusal that is answered, is named where no other tells. The access log's column has the response flags and the details; there is no line for what never became a request.

Not in tables, as they take time or two sides: [slow clients](../test/hostile/slow-loris.test.ts) and [slow heads](../test/hostile/http2-slow-head.test.ts), [text from a TLS hello or the config that would end a line](../test/hostile/response-splitting.test.ts), peers that ask without end and read nothing ([PING, SETTINGS, RST_STREAM](../src/transport/http2/floods.test.ts)), sides that stand still ([HTTP/1.1](../src/data-plane/filters/network/http-connection-manager/back-pressure.test.ts), [HTTP/2 and both](../src/data-plane/filters/network/http-connection-manager/http2-back-pressure.test.ts), [TCP](../src/data-plane/filters/network/tcp-proxy/back-pressure.test.ts), [one HTTP/2 connection](../src/transport/http2/flow-control.test.ts)), [PROXY headers](../src/data-plane/proxy-protocol.test.ts) and [ClientHellos](../src/data-plane/tcp.test.ts) that are none. [Fuzzers](../scripts/fuzz.ts) run in every \`npm test\`, and longer by \`npm run fuzz\`.
`

interface Cases {
  readonly hostileClass: HostileClass | HostileUpstreamClass
}

export async function hostilePage(): Promise<string> {
  const clients: string[] = []
  const upstreams: string[] = []
  for (const file of globSync('test/hostile/*.cases.ts', { cwd: root }).sort()) {
    const { hostileClass } = (await import(join(root, file))) as Cases
    if ('cases' in hostileClass) clients.push(clientSection(hostileClass))
    else upstreams.push(upstreamSection(hostileClass))
  }
  return [INTRODUCTION, ...clients, ...upstreams].join('\n')
}

function clientSection(hostile: HostileClass): string {
  const heads = ['what', 'the client gets', 'the upstream sees', 'counters', 'access log']
  const rows = hostile.cases.map(({ name, gets, upstreamSees, counts = hostile.counts, logs = hostile.logs }) => [
    name,
    gets,
    upstreamSees,
    counts,
    logs,
  ])
  return section(hostile, heads, rows)
}

function upstreamSection(hostile: HostileUpstreamClass): string {
  const heads = ['what the upstream sends', 'the client gets', 'its connection', 'counters', 'access log']
  const rows = hostile.answers.map(({ name, gets, upstream, counts = hostile.counts, logs = hostile.logs }) => [
    name,
    gets,
    upstream,
    counts,
    logs,
  ])
  return section(hostile, heads, rows)
}

function section({ title, why }: { title: string; why: string }, heads: string[], rows: string[][]): string {
  const lines = [heads, heads.map(() => '---'), ...rows.map(row => row.map(cell))]
  return `## ${title}\n\n${why}\n\n${lines.map(line => `| ${line.join(' | ')} |\n`).join('')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\\..', '\\\\..')
}
