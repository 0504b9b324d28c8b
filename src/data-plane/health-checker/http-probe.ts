// Checks by a request, whose answer's status says how the endpoint is.
import { getHeader, type HeaderList } from '../../transport/header-list.ts'
import type { RequestHead, ResponseHead } from '../../transport/request-head.ts'
import type { RequestEncoder, UpstreamStream } from '../pool/request-encoder.ts'
import { CheckConnection, type CheckConnectionUser } from './check-connection.ts'
import type { CheckTarget } from './check-target.ts'
import type { HttpCheckConfig } from './http-check-config.ts'
import { holds } from './payload.ts'
import type { Probe, ProbeOwner } from './probe.ts'

const EXCLUDES = 'x-envoy-immediate-health-check-fail'
const DEGRADED = 'x-envoy-degraded'
const CLUSTER = 'x-envoy-upstream-healthchecked-cluster'

export class HttpProbe implements Probe, UpstreamStream, CheckConnectionUser {
  readonly #config: HttpCheckConfig
  readonly #target: CheckTarget
  readonly #owner: ProbeOwner
  readonly #connection: CheckConnection
  #asking = false
  #status = 0
  #headers: HeaderList = []
  #body: Buffer = Buffer.alloc(0)

  constructor(config: HttpCheckConfig, target: CheckTarget, owner: ProbeOwner) {
    this.#config = config
    this.#target = target
    this.#owner = owner
    this.#connection = new CheckConnection(target, config.http2, this)
  }

  start(): void {
    this.#asking = true
    this.#connection.open()
  }

  giveUp(): void {
    this.#asking = false
    this.#connection.close()
  }

  close(): void {
    this.giveUp()
  }

  onReady(encoder: RequestEncoder): void {
    const { method, path, host, headers } = this.#config
    const authority = this.#target.authority || host || this.#target.clusterName
    const scheme = this.#target.endpoint.transport.name === 'tls' ? 'https' : 'http'
    const head: RequestHead = { method, path, authority, scheme, protocol: '', headers: headers.slice() }
    encoder.assign(this)
    encoder.sendHead(head, path, authority, true)
  }

  onConnectFailed(): void {
    this.#fail()
  }

  onResponseHead(head: ResponseHead, _fields: number, endStream: boolean): void {
    this.#status = head.status
    this.#headers = head.headers
    this.#body = Buffer.alloc(0)
    if (endStream) this.#finish()
  }

  onResponseBody(chunk: Buffer, endStream: boolean): void {
    const { receive, maxBody } = this.#config
    if (receive.length > 0) {
      const body = Buffer.concat([this.#body, chunk])
      this.#body = maxBody > 0 ? body.subarray(0, maxBody) : body
    }
    if (endStream) this.#finish()
  }

  onResponseTrailers(): void {
    this.#finish()
  }

  onReset(): void {
    this.#fail()
  }

  onInterimResponse(): void {}

  onEncoderDrained(): void {}

  #finish(): void {
    if (!this.#asking) return
    this.#asking = false
    const { expects, bears, receive, serviceName } = this.#config
    const headers = this.#headers
    if (!this.#target.reusesConnection) this.#connection.close()
    if (!expects(this.#status)) {
      const excludes = getHeader(headers, EXCLUDES) !== undefined
      this.#owner.onResult(bears(this.#status) ? 'retriable' : 'unhealthy', excludes)
      return
    }
    if (serviceName !== null) this.#owner.onClusterVerified()
    const isMeant = serviceName === null || serviceName(getHeader(headers, CLUSTER) ?? '')
    if (!isMeant || !holds(this.#body, receive)) this.#owner.onResult('unhealthy', false)
    else this.#owner.onResult(getHeader(headers, DEGRADED) === undefined ? 'healthy' : 'degraded', false)
  }

  #fail(): void {
    if (!this.#asking) return
    this.#asking = false
    this.#owner.onResult('network', false)
  }
}
