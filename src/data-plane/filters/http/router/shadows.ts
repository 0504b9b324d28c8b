// The copies of one request: opened where the request itself goes out, fed with what it is fed.
import type { HeaderList } from '../../../../transport/header-list.ts'
import { isTunnel, type ResponseHead } from '../../../../transport/request-head.ts'
import type { Cluster } from '../../../cluster/cluster.ts'
import type { ComparisonPolicy } from '../../../route/comparison-policy.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import { AnswerComparison } from './answer-comparison.ts'
import { AnswerDigest } from './answer-digest.ts'
import type { RouterConfig } from './config.ts'
import type { FinalizedRequest } from './finalize-request.ts'
import { shadowAuthority, shadowHead } from './shadow-head.ts'
import { ShadowRequest } from './shadow-request.ts'

export class Shadows {
  readonly #requests: ShadowRequest[] = []
  /** What the client gets; null where nobody compares. */
  #answer: AnswerDigest | null = null

  /** Null where nothing is copied: no policy's share has come up, or what follows the head is a tunnel. */
  static open(
    route: ForwardRoute,
    request: FinalizedRequest,
    endStream: boolean,
    info: StreamInfo,
    config: RouterConfig,
  ): Shadows | null {
    const { mirrors } = route
    if (mirrors.length === 0 || isTunnel(request.head)) return null
    // One draw: of two policies at half, both copy the same requests (Envoy's stable random).
    const draw = config.random.next()
    const shadows = new Shadows()
    const { connection } = info
    const ownIp = connection.localAddress.slice(0, connection.localAddress.lastIndexOf(':'))
    for (let i = 0; i < mirrors.length; i++) {
      const { cluster: name, fraction, appendsShadow, comparison } = mirrors[i]!
      const cluster = draw < fraction ? config.clusters.get(name) : undefined
      if (cluster === undefined) continue
      const authority = appendsShadow ? shadowAuthority(request.authority) : request.authority
      const head = shadowHead(request.head, ownIp)
      const shadow = new ShadowRequest(config, cluster, head, request.path, authority, route)
      if (comparison !== undefined)
        shadow.comparison = shadows.#compare(comparison, cluster, request, route.name, config)
      shadows.#requests.push(shadow)
      shadow.start(endStream, info.protocol === 'HTTP/2')
    }
    return shadows.#requests.length === 0 ? null : shadows
  }

  sendBody(chunk: Buffer, endStream: boolean): void {
    const requests = this.#requests
    for (let i = 0; i < requests.length; i++) requests[i]!.sendBody(chunk, endStream)
  }

  sendTrailers(trailers: HeaderList): void {
    const requests = this.#requests
    for (let i = 0; i < requests.length; i++) requests[i]!.sendTrailers(trailers)
  }

  /** Of the client's answer, as it came from upstream. */
  onAnswerHead(head: ResponseHead, cluster: string): void {
    this.#answer?.onHead(head, cluster)
  }

  onAnswerBody(chunk: Buffer): void {
    this.#answer?.onBody(chunk)
  }

  onAnswerEnd(trailers: HeaderList | null): void {
    this.#answer?.end(trailers)
    this.#settle()
  }

  onRequestOver(): void {
    const requests = this.#requests
    for (let i = 0; i < requests.length; i++) requests[i]!.onRequestOver()
    // Where it has not come whole, it does not any more: a failure, the router's own reply, or nobody who waits for it.
    this.#answer?.lose()
    this.#settle()
  }

  #settle(): void {
    if (this.#answer === null) return
    const requests = this.#requests
    for (let i = 0; i < requests.length; i++) requests[i]!.comparison?.settle()
  }

  #compare(
    policy: ComparisonPolicy,
    { stats }: Cluster,
    { head, path }: FinalizedRequest,
    route: string,
    { differences, clock }: RouterConfig,
  ): AnswerComparison {
    this.#answer ??= new AnswerDigest(policy)
    const request = { head, path, route }
    return new AnswerComparison(this.#answer, policy, stats.mirrorComparison, request, differences, clock)
  }
}
