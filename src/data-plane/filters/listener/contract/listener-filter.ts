// A listener filter looks at a connection's first bytes before a filter chain is chosen.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import type { ProxyAddresses } from '../../../../transport/proxy-protocol/proxy-addresses.ts'
import type { StatsScope } from '../../../stats/stats-scope.ts'

/** What the filters have found out of one connection; filter_chain_match reads it. */
export class Findings {
  /** `tls` once a ClientHello was seen; empty stands for raw_buffer. */
  transportProtocol = ''
  /** SNI in lower case; empty without. */
  serverName = ''
  /** ALPN of the client, or what http_inspector saw: `http/1.0`, `http/1.1`, `h2c`. */
  applicationProtocols: readonly string[] = []
  /** Whose connection it is, where a PROXY header says so. */
  announced: ProxyAddresses | null = null
  /** The header's TLVs that go on to the upstream, as a TLV block. */
  tlvs: Buffer = NO_BYTES
  /** Bytes at the front that the filter called last has taken for itself: nobody behind it sees them. */
  consumed = 0

  /** Nothing that would tell the connection from one whose client is silent. */
  get areEmpty(): boolean {
    return this.transportProtocol === '' && this.applicationProtocols.length === 0
  }
}

const NO_BYTES = Buffer.alloc(0)

/** `refuse` closes the connection; a number asks for another look once there are, in all, so many bytes. */
export type Verdict = 'done' | 'refuse' | number

export interface ListenerFilter {
  /** It is never shown more bytes than this, and passed over when they do not suffice. */
  readonly maxBytes: number
  /** It takes no bytes and refuses none: for a client that stays silent it finds nothing out. */
  readonly onlyLooks: boolean
  /** Shown all bytes that have come so far, at least one. Must not throw. */
  inspect(bytes: Buffer, findings: Findings): Verdict
}

export interface ListenerFilterFactory {
  /** Envoy's name: `envoy.filters.listener.tls_inspector`. */
  readonly name: string
  readonly typeUrl: string
  compile(typedConfig: Any, path: string, stats: StatsScope): Parsed<ListenerFilter>
}
