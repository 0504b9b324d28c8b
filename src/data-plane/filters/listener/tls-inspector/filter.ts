// Tells TLS from plaintext and reads server name and ALPN, as Envoy's tls_inspector.
import { MAX_CLIENT_HELLO_BYTES, parseClientHello } from '../../../../transport/tls/client-hello.ts'
import type { DetectedProtocol, ListenerFilter } from '../contract/listener-filter.ts'

// Record headers come on top of the hello itself.
const MAX_PEEKED_BYTES = MAX_CLIENT_HELLO_BYTES + 1024

export class TlsInspector implements ListenerFilter {
  readonly maxBytes = MAX_PEEKED_BYTES

  inspect(bytes: Buffer, detected: DetectedProtocol): 'more' | 'done' {
    if (detected.transportProtocol !== '') return 'done'
    const hello = parseClientHello(bytes)
    if (hello.kind === 'incomplete') return 'more'
    if (hello.kind === 'client-hello') {
      detected.transportProtocol = 'tls'
      detected.serverName = hello.serverName
      detected.applicationProtocols = hello.applicationProtocols
    }
    return 'done'
  }
}
