// RFC 9113 7, and the words that Envoy logs beside them.

export const ERROR_CODE = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const

/** Envoy's response code details; where it has but `http2.unknown.nghttp2.error`, the same shape and more to say. */
export const DETAILS = {
  invalidField: 'http2.invalid.header.field',
  messaging: 'http2.violation.of.messaging.rule',
  tooManyHeaders: 'http2.too_many_headers',
  headersTooLarge: 'http2.header_list_size_too_large',
  remoteReset: 'http2.remote_reset',
  remoteRefuse: 'http2.remote_refuse',
  connectionTermination: 'connection_termination',
  goAway: 'http2.goaway',
  emptyFrameFlood: 'http2.inbound_empty_frames_flood',
  priorityFlood: 'http2.inbound_priority_frames_flood',
  windowUpdateFlood: 'http2.inbound_window_update_frames_flood',
  continuationFlood: 'http2.inbound_continuation_frames_flood',
  streamErrorFlood: 'http2.inbound_stream_errors_flood',
  outboundFlood: 'http2.outbound_frames_flood',
  outboundControlFlood: 'http2.outbound_control_frames_flood',
  preface: 'http2.bad_connection_preface',
  frameSize: 'http2.frame_size_error',
  frame: 'http2.protocol_error',
  compression: 'http2.compression_error',
  flowControl: 'http2.flow_control_error',
  streamClosed: 'http2.stream_closed',
  streamLimit: 'http2.max_concurrent_streams',
} as const
