// Tells TLS from plaintext and reads server name and ALPN, as Envoy's tls_inspector.
import { MAX_CLIENT_HELLO_BYTES, parseClientHello } from '../../../../transport/tls/client-hello.ts'
import type { Counter } from '../../../stats/stats-scope.ts'
import type { Findings, ListenerFilter, Verdict } from '../contract/listener-filter.ts'

/** Envoy's names. */
export interface TlsInspectorStats {
  readonly tlsFound: Counter
  readonly tlsNotFound: Counter
  readonly sniFound: Counter
  readonly sniNotFound: Counter
  readonly alpnFound: Counter
  readonly alpnNotFound: Counter
  readonly clientHelloTooLarge: Counter
}

export class TlsInspector implements ListenerFilter {
  readonly maxBytes = MAX_CLIENT_HELLO_BYTES
  readonly onlyLooks = true
  readonly #stats: TlsInspectorStats

  constructor(stats: TlsInspectorStats) {
    this.#stats = stats
  }

  inspect(bytes: Buffer, findings: Findings): Verdict {
    if (findings.transportProtocol !== '') return 'done'
    const stats = this.#stats
    const hello = parseClientHello(bytes)
    if (hello.kind === 'incomplete' && bytes.length < MAX_CLIENT_HELLO_BYTES) return hello.needed
    if (hello.kind === 'not-tls') stats.tlsNotFound.value += 1
    else if (hello.kind === 'client-hello') {
      stats.tlsFound.value += 1
      if (hello.serverName === '') stats.sniNotFound.value += 1
      else stats.sniFound.value += 1
      if (hello.applicationProtocols.length === 0) stats.alpnNotFound.value += 1
      else stats.alpnFound.value += 1
      findings.transportProtocol = 'tls'
      findings.serverName = hello.serverName
      findings.applicationProtocols = hello.applicationProtocols
    } else {
      // Passed on unread, it would go where no server name leads.
      stats.clientHelloTooLarge.value += 1
      return 'refuse'
    }
    return 'done'
  }
}
