// Adds, sets and removes fields of requests and responses: first as the chain says, then as the route's levels say.
import type { RequestHead, ResponseHead } from '../../../../transport/request-head.ts'
import type { FilterStream, HeadersStatus, HttpFilter } from '../contract/http-filter.ts'
import { type HeaderMutationConfig, RouteMutations } from './config.ts'

export class HeaderMutationFilter implements HttpFilter {
  readonly #stream: FilterStream
  readonly #name: string
  readonly #config: HeaderMutationConfig

  constructor(stream: FilterStream, name: string, config: HeaderMutationConfig) {
    this.#stream = stream
    this.#name = name
    this.#config = config
  }

  decodeHeaders({ headers }: RequestHead, _endStream: boolean): HeadersStatus {
    const { info } = this.#stream
    this.#config.request.apply(headers, info)
    const route = this.#stream.routeConfig(this.#name)
    if (route instanceof RouteMutations) {
      const mutations = this.#config.mostSpecificWins ? route.requestInwards : route.requestOutwards
      mutations.apply(headers, info)
    }
    return 'continue'
  }

  encodeHeaders({ headers }: ResponseHead, _endStream: boolean): HeadersStatus {
    const { info } = this.#stream
    // For the command operators; what is sent in the end is set where it is sent.
    info.responseHeaders = headers
    this.#config.response.apply(headers, info)
    const route = this.#stream.routeConfig(this.#name)
    if (route instanceof RouteMutations) {
      const mutations = this.#config.mostSpecificWins ? route.responseInwards : route.responseOutwards
      mutations.apply(headers, info)
    }
    return 'continue'
  }
}
