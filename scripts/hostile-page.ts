// The generated page of what hostile traffic gets: docs/hostile-traffic.md, from the tables that the tests run.
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { HostileClass, HostileUpstreamClass } from '../test/hostile/hostile-case.ts'

const root = join(import.meta.dirname, '..')

const INTRODUCTION = `# Hostile traffic

What a client gets for what it should not send, what of it reaches the upstream, and where it shows; then what a client gets when the upstream sends what it should not. Generated from \`test/hostile/*.cases.ts\` by \`npm run docs\`; the tests send every row, the upstream keeps every byte, and all columns are compared.

\`closed\` and \`kept\` are what becomes of the connection; another client's connection never notices. \`cut short\`: the upstream got the beginning of a request, whose body turned out to be broken; its connection is dropped in the middle of it and never used again. Counters of connections and requests are below \`http.<stat prefix>.\`, those of \`http2.\` the process's, those of upstreams below \`cluster.<name>.\`; \`downstream_rq_4xx\`, which counts every refusal that is answered, is named where no other tells. The access log's column has the response flags and the details; there is no line for what never became a request.

Not in tables, as they take two sides: peers that ask without end and read nothing ([PING, SETTINGS, RST_STREAM](../src/transport/http2/floods.test.ts)), sides that stand still ([HTTP/1.1](../src/data-plane/filters/network/http-connection-manager/back-pressure.test.ts), [HTTP/2 and both](../src/data-plane/filters/network/http-connection-manager/http2-back-pressure.test.ts), [TCP](../src/data-plane/filters/network/tcp-proxy/back-pressure.test.ts), [one HTTP/2 connection](../src/transport/http2/flow-control.test.ts), [and the memory meanwhile](../src/main/held-memory.test.ts)), [PROXY headers](../src/data-plane/proxy-protocol.test.ts) and [ClientHellos](../src/data-plane/tcp.test.ts) that are none. [Fuzzers](../scripts/fuzz.ts) run in every \`npm test\`, and longer by \`npm run fuzz\`.
`

/** Tests by the clock, which no table can run. */
const SLOW = `## Slow clients

Time is the only thing that tells them. Tests: [HTTP/1.1](../test/hostile/slow-loris.test.ts), HTTP/2 [heads](../test/hostile/http2-slow-head.test.ts) and [windows](../src/data-plane/filters/network/http-connection-manager/http2-stuck-window.test.ts).

| what | bounded by | the client gets | counters |
| --- | --- | --- | --- |
| a head that drips in | \`request_headers_timeout\`, from its first byte | 408 \`request_header_timeout\`; closed | \`downstream_rq_header_timeout\` |
| a body that stops coming | \`stream_idle_timeout\` | 408 \`stream_idle_timeout\` | \`downstream_rq_idle_timeout\` |
| a body that drips in | \`request_timeout\`, for the whole request | 408 \`request_overall_timeout\` | \`downstream_rq_timeout\` |
| a connection that says nothing | \`idle_timeout\` | closed | \`downstream_cx_idle_timeout\` |
| HTTP/2: half a preface | \`request_headers_timeout\` | 408; closed | \`downstream_rq_header_timeout\` |
| HTTP/2: a preface without settings, or no stream after them | \`idle_timeout\` | GOAWAY \`NO_ERROR\`; closed | \`downstream_cx_idle_timeout\` |
| HTTP/2: a header block that never ends, CONTINUATION now and then | \`request_headers_timeout\`, or \`request_timeout\` where that is shorter | GOAWAY \`ENHANCE_YOUR_CALM\`; closed | \`downstream_rq_header_timeout\`, or \`downstream_rq_timeout\` |
| HTTP/2: a window that stays shut before a response that is here whole | \`stream_idle_timeout\`, or \`idle_timeout\` where that is off, for all that is left of it | RST_STREAM \`INTERNAL_ERROR\`; kept | \`http2.tx_flush_timeout\` |
`

/** Text that comes in by other ways than a message's head. */
const TEXTS = `## Text that would end a line

What a TLS hello, a certificate or the config says, and a head on the other side repeats. [Tests](../test/hostile/response-splitting.test.ts); fields of messages are above.

| what | becomes |
| --- | --- |
| a server name in a tunnel's target: line ends, blanks, NUL, a port, no ASCII | \`invalid:\` and the name, each such byte an \`_\` |
| other values in a tunnel's target | control characters an \`_\` |
| \`server_name\`, \`default_host_for_http_10\` or a tunnel's hostname of the config with control characters | refused, by path |
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
  return [INTRODUCTION, ...clients, SLOW, TEXTS, ...upstreams].join('\n')
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
