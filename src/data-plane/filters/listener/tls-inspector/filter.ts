// Tells TLS from plaintext and reads server name and ALPN, as Envoy's tls_inspector.
import { MAX_CLIENT_HELLO_BYTES, parseClientHello } from '../../../../transport/tls/client-hello.ts'
import type { Findings, ListenerFilter, Verdict } from '../contract/listener-filter.ts'

// Record headers come on top of the hello itself.
const MAX_PEEKED_BYTES = MAX_CLIENT_HELLO_BYTES + 1024

export class TlsInspector implements ListenerFilter {
  readonly maxBytes = MAX_PEEKED_BYTES
  readonly onlyLooks = true

  inspect(bytes: Buffer, findings: Findings): Verdict {
    if (findings.transportProtocol !== '') return 'done'
    const hello = parseClientHello(bytes)
    if (hello.kind === 'incomplete') return hello.needed
    if (hello.kind === 'client-hello') {
      findings.transportProtocol = 'tls'
      findings.serverName = hello.serverName
      findings.applicationProtocols = hello.applicationProtocols
    }
    return 'done'
  }
}
