// The copies of one request: opened where the request itself goes out, fed with what it is fed.
import type { HeaderList } from '../../../../transport/header-list.ts'
import { isTunnel } from '../../../../transport/request-head.ts'
import type { ForwardRoute } from '../../../route/route-entry.ts'
import type { StreamInfo } from '../../../stream-info.ts'
import type { RouterConfig } from './config.ts'
import type { FinalizedRequest } from './finalize-request.ts'
import { shadowAuthority, shadowHead } from './shadow-head.ts'
import { ShadowRequest } from './shadow-request.ts'

export class Shadows {
  readonly #requests: ShadowRequest[] = []

  /** Null where nothing is copied: no policy's share has come up, or what follows the head is a tunnel. */
  static open(
    { mirrors, timeoutMs }: ForwardRoute,
    request: FinalizedRequest,
    endStream: boolean,
    info: StreamInfo,
    config: RouterConfig,
  ): Shadows | null {
    if (mirrors.length === 0 || isTunnel(request.head)) return null
    // One draw: of two policies at half, both copy the same requests (Envoy's stable random).
    const draw = config.random.next()
    const shadows = new Shadows()
    const { connection } = info
    const ownIp = connection.localAddress.slice(0, connection.localAddress.lastIndexOf(':'))
    for (let i = 0; i < mirrors.length; i++) {
      const { cluster: name, fraction, appendsShadow } = mirrors[i]!
      const cluster = draw < fraction ? config.clusters.get(name) : undefined
      if (cluster === undefined) continue
      const authority = appendsShadow ? shadowAuthority(request.authority) : request.authority
      const head = shadowHead(request.head, ownIp)
      const shadow = new ShadowRequest(config, cluster, head, request.path, authority, timeoutMs)
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

  onRequestOver(): void {
    const requests = this.#requests
    for (let i = 0; i < requests.length; i++) requests[i]!.onRequestOver()
  }
}
