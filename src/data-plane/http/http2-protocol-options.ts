// Envoy's Http2ProtocolOptions, of a listener or a cluster, as settings of the codec.
import type { KeepaliveSettings } from '../../transport/http2/keepalive.ts'
import { ENVOY_HTTP2_SETTINGS, type Http2Settings } from '../../transport/http2/session-options.ts'
import {
  type Http2ProtocolOptions,
  Http2ProtocolOptionsSchema,
  type KeepaliveSettings as KeepaliveMessage,
  KeepaliveSettingsSchema,
} from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'

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
  'connection_keepalive',
])
const KEEPALIVE_FIELDS = new Set(['interval', 'timeout', 'interval_jitter', 'connection_idle_interval'])
const ENVOY_JITTER_PERCENT = 15

/**
 * Where config says nothing of windows: what a stream may make this side hold while its receiver stands still. With
 * Envoy's 16 MiB a hundred such streams would take the memory of a small machine.
 */
const STREAM_WINDOW = 256 * 1024
const CONNECTION_WINDOW = 1024 * 1024
const MIN_WINDOW = 65_535
const MAX_WINDOW = 2 ** 31 - 1
const MAX_STREAMS = 2 ** 31 - 1
const MAX_UINT32 = 2 ** 32 - 1

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
  const positive = (field: string, value: number | undefined, otherwise: number, max = MAX_UINT32): number => {
    if (value === 0 || (value ?? 0) > max) check.error(`${path}.${field}`, `must be from 1 to ${max}`)
    return value ?? otherwise
  }
  const { maxHeaderListBytes, maxFieldCount } = limits
  return {
    maxHeaderListBytes,
    maxFieldCount,
    maxConcurrentStreams: positive(
      'max_concurrent_streams',
      message?.maxConcurrentStreams,
      envoy.maxConcurrentStreams,
      MAX_STREAMS,
    ),
    initialStreamWindow: window('initial_stream_window_size', message?.initialStreamWindowSize, STREAM_WINDOW),
    initialConnectionWindow: window(
      'initial_connection_window_size',
      message?.initialConnectionWindowSize,
      CONNECTION_WINDOW,
    ),
    headerTableSize: message?.hpackTableSize ?? envoy.headerTableSize,
    maxOutboundFrames: positive('max_outbound_frames', message?.maxOutboundFrames, envoy.maxOutboundFrames),
    maxOutboundControlFrames: positive(
      'max_outbound_control_frames',
      message?.maxOutboundControlFrames,
      envoy.maxOutboundControlFrames,
    ),
    maxConsecutiveInboundEmptyFrames:
      message?.maxConsecutiveInboundFramesWithEmptyPayload ?? envoy.maxConsecutiveInboundEmptyFrames,
    maxInboundPriorityFramesPerStream:
      message?.maxInboundPriorityFramesPerStream ?? envoy.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrame: positive(
      'max_inbound_window_update_frames_per_data_frame_sent',
      message?.maxInboundWindowUpdateFramesPerDataFrameSent,
      envoy.maxInboundWindowUpdateFramesPerDataFrame,
    ),
    allowConnect: message?.allowConnect ?? envoy.allowConnect,
    streamErrorOnInvalidMessage:
      message?.overrideStreamErrorOnInvalidHttpMessage ?? message?.streamErrorOnInvalidHttpMessaging ?? false,
    keepalive: readKeepalive(message?.connectionKeepalive, `${path}.connection_keepalive`, check),
  }
}

function readKeepalive(
  message: KeepaliveMessage | undefined,
  path: string,
  check: ResourceCheck,
): KeepaliveSettings | null {
  if (message === undefined) return null
  check.honour(KeepaliveSettingsSchema, message, path, KEEPALIVE_FIELDS)
  const { interval, timeout, intervalJitter, connectionIdleInterval } = message
  if (timeout === undefined) check.error(`${path}.timeout`, 'is required')
  for (const [field, value] of Object.entries({
    interval,
    timeout,
    connection_idle_interval: connectionIdleInterval,
  })) {
    if (value !== undefined && durationMs(value, 0) < 1) check.error(`${path}.${field}`, 'must be at least 0.001s')
  }
  const percent = intervalJitter?.value ?? ENVOY_JITTER_PERCENT
  if (!(percent >= 0 && percent <= 100)) check.error(`${path}.interval_jitter`, 'must be from 0 to 100')
  const intervalMs = durationMs(interval, 0)
  return {
    interval: intervalMs,
    jitter: (intervalMs * percent) / 100,
    timeout: durationMs(timeout, 0),
    idleInterval: durationMs(connectionIdleInterval, 0),
  }
}
