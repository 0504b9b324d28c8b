// What the connection manager itself answers, before any filter is asked. Envoy's statuses, bodies and details.

import type { CodecError } from '../../transport/http1/codec-error.ts'
import { reasonPhrase } from '../../transport/http1/status-line.ts'
import { RESPONSE_FLAG } from '../response-flag.ts'
import { failure, type LocalReply } from './local-reply.ts'

const GRPC_DEADLINE_EXCEEDED = 4

export const REFUSAL = {
  http10: failure(426, 'low_version', RESPONSE_FLAG.DPE, 'Upgrade Required'),
  missingHost: failure(400, 'missing_host_header'),
  /** Of HTTP/1.1; a stream of HTTP/2 is reset. */
  underscore: failure(400, 'http1.unexpected_underscore', RESPONSE_FLAG.DPE, 'Bad Request'),
  path: failure(400, 'path_normalization_failed'),
  /** `*`: it is no path, and nothing here answers for the proxy itself. */
  asterisk: failure(404, 'absolute_path_rejected'),
  /** Of CONNECT and upgrades: other requests are answered by the router. */
  noRoute: failure(404, 'route_not_found', RESPONSE_FLAG.NR),
  upgrade: failure(403, 'upgrade_failed'),
  requestTooLarge: failure(413, 'request_payload_too_large', 0, 'Payload Too Large'),
  responseTooLarge: failure(500, 'response_payload_too_large', 0, 'Internal Server Error'),
  requestHeaderTimeout: failure(408, 'request_header_timeout', 0, 'request header timeout'),
  requestTimeout: failure(408, 'request_overall_timeout', 0, 'request timeout'),
  /** While the request is still arriving. */
  requestMaxDuration: {
    ...failure(408, 'max_duration_timeout', 0, 'downstream duration timeout'),
    grpcStatus: GRPC_DEADLINE_EXCEEDED,
  },
  maxDuration: {
    ...failure(504, 'max_duration_timeout', 0, 'downstream duration timeout'),
    grpcStatus: GRPC_DEADLINE_EXCEEDED,
  },
  overload: failure(503, 'overload', 0, 'envoy overloaded'),
  /** While the request is still arriving. */
  requestIdle: failure(408, 'stream_idle_timeout', RESPONSE_FLAG.SI, 'stream timeout'),
  streamIdle: failure(504, 'stream_idle_timeout', RESPONSE_FLAG.SI, 'stream timeout'),
} as const

/** To the path as it was normalised. */
export function pathRedirect(path: string): LocalReply {
  // RFC 3986 4.2: `//evil` would name a host, and to browsers so would `/\\evil`; a dot segment keeps it a path.
  const namesHost = path.startsWith('//') || path.startsWith('/\\')
  const headers = ['location', namesHost ? `/.${path}` : path]
  return { status: 307, body: '', details: 'path_normalization_failed', flags: 0, headers, isFailure: false }
}

const codecReplies = new WeakMap<CodecError, LocalReply>()

/** Bytes that are no HTTP/1.1. */
export function codecRefusal(error: CodecError): LocalReply {
  let reply = codecReplies.get(error)
  if (reply === undefined) {
    reply = failure(error.status, error.details, RESPONSE_FLAG.DPE, reasonPhrase(error.status))
    codecReplies.set(error, reply)
  }
  return reply
}
