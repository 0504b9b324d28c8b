// The generated page of what hostile traffic gets: docs/hostile-traffic.md, from the tables that the tests run.
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { HostileClass } from '../test/hostile/hostile-case.ts'

const root = join(import.meta.dirname, '..')

export async function hostilePage(): Promise<string> {
  let page = `# Hostile traffic

What a client gets for what it should not send, and what of it reaches the upstream. Generated from \`test/hostile/*.cases.ts\` by \`npm run docs\`; the tests send every row and compare. \`closed\` and \`kept\` are what becomes of the connection; another client's connection never notices.

Not in tables, as they take time or two sides: [slow clients](../test/hostile/slow-loris.test.ts), [upstreams that break the protocol](../test/hostile/hostile-upstream.test.ts), [text from a TLS hello or the config that would end a line](../test/hostile/response-splitting.test.ts), peers that ask without end and read nothing ([PING, SETTINGS, RST_STREAM](../src/transport/http2/floods.test.ts)), sides that stand still ([HTTP](../src/data-plane/filters/network/http-connection-manager/back-pressure.test.ts), [TCP](../src/data-plane/filters/network/tcp-proxy/back-pressure.test.ts), [HTTP/2](../src/transport/http2/flow-control.test.ts)), [PROXY headers](../src/data-plane/proxy-protocol.test.ts) and [ClientHellos](../src/data-plane/tcp.test.ts) that are none. [Fuzzers](../scripts/fuzz.ts) run in every \`npm test\`, and longer by \`npm run fuzz\`.
`
  for (const file of globSync('test/hostile/*.cases.ts', { cwd: root }).sort()) {
    const { hostileClass } = (await import(join(root, file))) as { readonly hostileClass: HostileClass }
    page += `\n## ${hostileClass.title}\n\n${hostileClass.why}\n\n| what | the client gets | the upstream sees |\n|---|---|---|\n`
    for (const { name, gets, upstreamSees } of hostileClass.cases) {
      page += `| ${cell(name)} | ${cell(gets)} | ${cell(upstreamSees)} |\n`
    }
  }
  return page
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\\..', '\\\\..')
}
