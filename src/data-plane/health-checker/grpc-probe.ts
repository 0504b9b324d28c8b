// Checks by gRPC's own protocol: grpc.health.v1.Health/Check.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import {
  type HealthCheck_GrpcHealthCheck,
  HealthCheck_GrpcHealthCheckSchema,
} from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { frameMessage, onlyMessage } from '../grpc/message-frame.ts'
import { isGrpcContentType } from '../http/grpc-status.ts'
import type { RequestEncoder, UpstreamStream } from '../pool/request-encoder.ts'
import { CheckConnection, type CheckConnectionUser } from './check-connection.ts'
import { addOptions } from './check-headers.ts'
import type { CheckResult } from './check-state.ts'
import type { CheckTarget } from './check-target.ts'
import type { Probe, ProbeOwner } from './probe.ts'

export interface GrpcCheckConfig {
  readonly kind: 'grpc'
  /** Empty: the endpoint's, or the cluster's name. */
  readonly authority: string
  readonly headers: HeaderList
  /** HealthCheckRequest in its frame. */
  readonly request: Buffer
}

const FIELDS = new Set(['service_name', 'authority', 'initial_metadata'])
const PATH = '/grpc.health.v1.Health/Check'
const SERVICE_FIELD = 1
const STATUS_FIELD = 1
const SERVING = 1
const MAX_ANSWER_BYTES = 4096
const VISIBLE = /^[\x21-\x7e]*$/

export function readGrpcCheck(
  message: HealthCheck_GrpcHealthCheck,
  timeoutMs: number,
  path: string,
  check: ResourceCheck,
): GrpcCheckConfig {
  check.honour(HealthCheck_GrpcHealthCheckSchema, message, path, FIELDS)
  if (!VISIBLE.test(message.authority)) check.error(`${path}.authority`, 'must be visible ASCII')
  const headers = ['te', 'trailers', 'content-type', 'application/grpc', 'grpc-timeout', grpcTimeout(timeoutMs)]
  headers.push('user-agent', 'Envoy/HC')
  addOptions(headers, message.initialMetadata, `${path}.initial_metadata`, check)
  const request = new BinaryWriter()
  if (message.serviceName !== '') request.tag(SERVICE_FIELD, WireType.LengthDelimited).string(message.serviceName)
  return { kind: 'grpc', authority: message.authority, headers, request: frameMessage(request.finish()) }
}

export class GrpcProbe implements Probe, UpstreamStream, CheckConnectionUser {
  readonly #config: GrpcCheckConfig
  readonly #target: CheckTarget
  readonly #owner: ProbeOwner
  readonly #connection: CheckConnection
  #encoder: RequestEncoder | null = null
  #asking = false
  #answer: Buffer | null = null

  constructor(config: GrpcCheckConfig, target: CheckTarget, owner: ProbeOwner) {
    this.#config = config
    this.#target = target
    this.#owner = owner
    this.#connection = new CheckConnection(target, true, this)
  }

  start(): void {
    this.#asking = true
    this.#answer = null
    this.#connection.open()
  }

  giveUp(): void {
    this.#asking = false
    this.#abandon()
    // A connection that is still being made is not to answer the next check.
    if (!this.#target.reusesConnection || this.#encoder === null) this.#connection.close()
    this.#encoder = null
  }

  close(): void {
    this.#asking = false
    this.#encoder = null
    this.#connection.close()
  }

  onReady(encoder: RequestEncoder): void {
    const { headers, request } = this.#config
    const authority = this.#target.authority || this.#config.authority || this.#target.clusterName
    const scheme = this.#target.endpoint.transport.name === 'tls' ? 'https' : 'http'
    const head: RequestHead = { method: 'POST', path: PATH, authority, scheme, protocol: '', headers: headers.slice() }
    this.#encoder = encoder
    encoder.assign(this)
    encoder.sendHead(head, PATH, authority, false)
    encoder.sendBody(request, true)
  }

  onConnectFailed(): void {
    this.#settle('network')
  }

  onResponseHead(head: ResponseHead, _fields: number, endStream: boolean): void {
    const isGrpc = head.status === 200 && isGrpcContentType(getHeader(head.headers, 'content-type'))
    if (endStream) this.#finish(isGrpc ? head.headers : [])
    else if (!isGrpc) this.#refuse()
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    const known = this.#answer
    if ((known?.length ?? 0) + chunk.length > MAX_ANSWER_BYTES) this.#refuse()
    // The chunk is the codec's, which may use its bytes again.
    else this.#answer = known === null ? Buffer.from(chunk) : Buffer.concat([known, chunk])
    if (endStream) this.#finish([])
  }

  onResponseTrailers(trailers: HeaderList): void {
    this.#finish(trailers)
  }

  onReset(): void {
    this.#settle('network')
  }

  onInterimResponse(): void {}

  onEncoderDrained(): void {}

  #finish(fields: HeaderList): void {
    const message = onlyMessage(this.#answer)
    const isServing = getHeader(fields, 'grpc-status') === '0' && message !== null && statusOf(message) === SERVING
    this.#settle(isServing ? 'healthy' : 'unhealthy')
  }

  /** What comes is no answer to the call; the rest of it is not waited for. */
  #refuse(): void {
    this.#abandon()
    this.#settle('unhealthy')
  }

  #abandon(): void {
    this.#encoder?.abandon()
  }

  #settle(result: CheckResult): void {
    if (!this.#asking) return
    this.#asking = false
    this.#encoder = null
    if (!this.#target.reusesConnection) this.#connection.close()
    this.#owner.onResult(result, false)
  }
}

/** At most eight digits, as gRPC's protocol over HTTP/2 has it. */
function grpcTimeout(ms: number): string {
  return ms < 1e8 ? `${Math.ceil(ms)}m` : `${Math.ceil(ms / 1000)}S`
}

/** Of a HealthCheckResponse; -1: it is none. */
function statusOf(message: Buffer): number {
  let status = 0
  try {
    for (const reader = new BinaryReader(message); reader.pos < reader.len; ) {
      const [field, type] = reader.tag()
      if (field === STATUS_FIELD && type === WireType.Varint) status = reader.int32()
      else reader.skip(type, field)
    }
  } catch {
    return -1
  }
  return status
}
