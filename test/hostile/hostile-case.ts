// One class of hostile traffic, as data: the tests send it, and docs/hostile-traffic.md prints it.
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { HttpConnectionManagerSchema } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'

export interface HostileCase {
  readonly name: string
  /** What the client sends; text is latin1. HTTP/2: behind preface and SETTINGS. */
  readonly send: string | Buffer
  /** As the test derives it from what came: `400 http1.codec_error, closed`; `GOAWAY PROTOCOL_ERROR, closed`. */
  readonly gets: string
  /** The requests that arrive at the upstream: `nothing`, or `GET /a`. */
  readonly upstreamSees: string
}

export interface HostileClass {
  readonly title: string
  readonly why: string
  readonly protocol: 'http1' | 'http2'
  readonly config?: MessageInitShape<typeof HttpConnectionManagerSchema>
  readonly cases: readonly HostileCase[]
}
