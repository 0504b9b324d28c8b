// Envoy's Http2ProtocolOptions, of a listener or a cluster, as settings of the codec.
import { ENVOY_HTTP2_SETTINGS, type Http2Settings } from '../../transport/http2/session-options.ts'
import {
  type Http2ProtocolOptions,
  Http2ProtocolOptionsSchema,
} from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

const FIELDS = new Set([
  'hpack_table_size',
  'max_concurrent_streams',
  'initial_stream_window_size',
  'initial_connection_window_size',
  'allow_connect',
  'max_outbound_frames',
  'max_outbound_control_frames',
  'max_consecutive_inbound_frames_with_empty_payload',
  'max_inbound_priority_frames_per_stream',
  'max_inbound_window_update_frames_per_data_frame_sent',
  'stream_error_on_invalid_http_messaging',
  'override_stream_error_on_invalid_http_message',
])

/**
 * Where config says nothing of windows: what a stream may make this side hold while its receiver stands still. With
 * Envoy's 16 MiB a hundred such streams would take the memory of a small machine.
 */
const STREAM_WINDOW = 256 * 1024
const CONNECTION_WINDOW = 1024 * 1024
const MIN_WINDOW = 65_535
const MAX_WINDOW = 2 ** 31 - 1

export function readHttp2Options(
  message: Http2ProtocolOptions | undefined,
  limits: Pick<Http2Settings, 'maxHeaderListBytes' | 'maxFieldCount'>,
  path: string,
  check: ResourceCheck,
): Http2Settings {
  const envoy = ENVOY_HTTP2_SETTINGS
  if (message) check.honour(Http2ProtocolOptionsSchema, message, path, FIELDS)
  const window = (field: string, value: number | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise
    if (value < MIN_WINDOW || value > MAX_WINDOW) check.error(`${path}.${field}`, 'must be from 65535 to 2147483647')
    return value
  }
  const { maxHeaderListBytes, maxFieldCount } = limits
  return {
    maxHeaderListBytes,
    maxFieldCount,
    maxConcurrentStreams: message?.maxConcurrentStreams ?? envoy.maxConcurrentStreams,
    initialStreamWindow: window('initial_stream_window_size', message?.initialStreamWindowSize, STREAM_WINDOW),
    initialConnectionWindow: window(
      'initial_connection_window_size',
      message?.initialConnectionWindowSize,
      CONNECTION_WINDOW,
    ),
    headerTableSize: message?.hpackTableSize ?? envoy.headerTableSize,
    maxOutboundFrames: message?.maxOutboundFrames ?? envoy.maxOutboundFrames,
    maxOutboundControlFrames: message?.maxOutboundControlFrames ?? envoy.maxOutboundControlFrames,
    maxConsecutiveInboundEmptyFrames:
      message?.maxConsecutiveInboundFramesWithEmptyPayload ?? envoy.maxConsecutiveInboundEmptyFrames,
    maxInboundPriorityFramesPerStream:
      message?.maxInboundPriorityFramesPerStream ?? envoy.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrame:
      message?.maxInboundWindowUpdateFramesPerDataFrameSent ?? envoy.maxInboundWindowUpdateFramesPerDataFrame,
    allowConnect: message?.allowConnect ?? envoy.allowConnect,
    streamErrorOnInvalidMessage:
      message?.overrideStreamErrorOnInvalidHttpMessage ?? message?.streamErrorOnInvalidHttpMessaging ?? false,
  }
}
