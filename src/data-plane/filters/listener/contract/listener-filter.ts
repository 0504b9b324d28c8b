// A listener filter looks at a connection's first bytes, without consuming them, before a filter chain is chosen.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'

/** What the filters have found out; filter_chain_match reads it. */
export interface DetectedProtocol {
  /** `tls` once a ClientHello was seen; empty stands for raw_buffer. */
  transportProtocol: string
  /** SNI in lower case; empty without. */
  serverName: string
  /** ALPN of the client, or what http_inspector saw: `http/1.0`, `http/1.1`, `h2c`. */
  applicationProtocols: readonly string[]
}

export interface ListenerFilter {
  /** It is never shown more bytes than this. */
  readonly maxBytes: number
  /** Shown all bytes that have come so far, each time more have; `more` asks for another look. Must not throw. */
  inspect(bytes: Buffer, detected: DetectedProtocol): 'more' | 'done'
}

export interface ListenerFilterFactory {
  /** Envoy's name: `envoy.filters.listener.tls_inspector`. */
  readonly name: string
  readonly typeUrl: string
  compile(typedConfig: Any, path: string): Parsed<ListenerFilter>
}
