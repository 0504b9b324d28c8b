// What one side of an HTTP/2 connection announces and how much it puts up with (Envoy's Http2ProtocolOptions).
import type { KeepaliveSettings } from './keepalive.ts'

export interface Http2Settings {
  /** Announced by a server; the client's pool keeps to the peer's. */
  readonly maxConcurrentStreams: number
  readonly initialStreamWindow: number
  /** RFC 9113 6.9.2: starts at 65 535 and can only be raised. */
  readonly initialConnectionWindow: number
  /** Of the decoder's dynamic table. */
  readonly headerTableSize: number
  /** Names and values of one field section as decoded, pseudo-header fields included. */
  readonly maxHeaderListBytes: number
  /** Fields of one section, pseudo-header fields and cookie crumbs included. */
  readonly maxFieldCount: number
  /** Frames of any type that wait for the peer to read. */
  readonly maxOutboundFrames: number
  /** Of these, what the peer alone makes us write: PING and SETTINGS acknowledgements, RST_STREAM. */
  readonly maxOutboundControlFrames: number
  /** HEADERS, CONTINUATION and DATA in a row that carry nothing and end nothing. */
  readonly maxConsecutiveInboundEmptyFrames: number
  readonly maxInboundPriorityFramesPerStream: number
  readonly maxInboundWindowUpdateFramesPerDataFrame: number
  /** A server announces the extended CONNECT of RFC 8441. */
  readonly allowConnect: boolean
  /**
   * A malformed message ends its stream alone, as RFC 9113 8.1.1 has it. Off in Envoy unless
   * override_stream_error_on_invalid_http_message is set: the whole connection goes then.
   */
  readonly streamErrorOnInvalidMessage: boolean
  /** For the session's owner; null: silence is no sign of anything. */
  readonly keepalive: KeepaliveSettings | null
}

/** Envoy 1.40 without a word in its config. */
export const ENVOY_HTTP2_SETTINGS: Http2Settings = {
  maxConcurrentStreams: 1024,
  initialStreamWindow: 16 * 1024 * 1024,
  initialConnectionWindow: 24 * 1024 * 1024,
  headerTableSize: 4096,
  maxHeaderListBytes: 60 * 1024,
  maxFieldCount: 100,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1000,
  maxConsecutiveInboundEmptyFrames: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrame: 10,
  allowConnect: false,
  streamErrorOnInvalidMessage: false,
  keepalive: null,
}
