// Classes of hostile traffic, as data: the tests send it, and docs/hostile-traffic.md prints it.
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { HttpConnectionManagerSchema } from '../../src/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'

/** Every text is compared with what the test derives from sockets, stats and access log. */
interface Row {
  readonly name: string
  /** What the client gets: `400, closed`; `GOAWAY PROTOCOL_ERROR, closed`. */
  readonly gets: string
  /** Where it is not the class's. Counters by Envoy's names, without the scope; `none`. */
  readonly counts?: string
  /** Where it is not the class's: response flags and details, `DPE http1.codec_error`; `no line`. */
  readonly logs?: string
}

export interface HostileCase extends Row {
  /** Text is latin1; HTTP/2: behind preface and SETTINGS. Of several, each is sent when the upstream got the one before. */
  readonly send: string | Buffer | readonly string[]
  /** The requests in the upstream's bytes: `nothing`, `GET /a`, `POST /a cut short`. */
  readonly upstreamSees: string
}

interface Class {
  readonly title: string
  readonly why: string
  readonly protocol: 'http1' | 'http2'
  readonly counts: string
  readonly logs: string
}

export interface HostileClass extends Class {
  readonly config?: MessageInitShape<typeof HttpConnectionManagerSchema>
  /** The client takes nothing that is sent to it until the proxy has had enough. */
  readonly isDeaf?: boolean
  readonly cases: readonly HostileCase[]
}

export interface HostileAnswer extends Row {
  /** In place of the answer to the first request; HTTP/2: on stream 1, behind SETTINGS. */
  readonly send: string | Buffer
  /** What becomes of the upstream's connection: `closed`, or `kept`, with the next request on it. */
  readonly upstream: string
  /** Who reads nothing more, until the proxy has had enough. */
  readonly deaf?: 'client' | 'upstream'
}

export interface HostileUpstreamClass extends Class {
  readonly answers: readonly HostileAnswer[]
}
