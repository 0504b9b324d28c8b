// A stream's request and the route it has: looked up when it is first asked for, with the table of when the stream began, and
// kept until a filter says that what routes look at has changed.
import type { HeaderList } from '../../transport/header-list.ts'
import type { RequestHead } from '../../transport/request-head.ts'
import type { ClusterChoice, RouteEntry, RouteFilters, RouteQuery, RouteTable } from '../route/route-entry.ts'
import type { StreamInfo } from '../stream-info.ts'
import { StreamRecord } from '../stream-record.ts'
import type { ConnectionManagerConfig } from './connection-manager-config.ts'
import type { RedirectHistory } from './redirect-history.ts'

export abstract class RoutedRequest implements RouteQuery {
  readonly info: StreamInfo
  readonly request: RequestHead
  isRequestComplete: boolean
  requestCompletedAt: number
  protected readonly config: ConnectionManagerConfig
  /** Undefined: not looked up yet. */
  protected knownRoute: RouteEntry | null | undefined = undefined
  /** Null while RDS has not delivered it. */
  readonly #routeTable: RouteTable | null
  #clusterChoice: ClusterChoice | null = null
  redirects: RedirectHistory | null = null

  constructor(config: ConnectionManagerConfig, info: StreamInfo, request: RequestHead, endStream: boolean) {
    this.config = config
    this.info = info
    this.request = request
    this.#routeTable = config.routeTable()
    this.isRequestComplete = endStream
    this.requestCompletedAt = info.startedAt
    if (config.recordsStreams) info.record ??= new StreamRecord()
    info.method = request.method
    info.path = request.path
    info.authority = request.authority
    info.requestHeaders = request.headers
  }

  protected completeRequest(): void {
    this.isRequestComplete = true
    this.requestCompletedAt = this.config.clock.now()
  }

  get head(): RequestHead {
    return this.request
  }

  random(): number {
    return this.config.random.next()
  }

  route(): RouteEntry | null {
    if (this.knownRoute === undefined) {
      this.knownRoute = this.#routeTable?.match(this) ?? null
      this.info.routeName = this.knownRoute?.name ?? ''
    }
    return this.knownRoute
  }

  routeFor(head: RequestHead): RouteEntry | null {
    return this.#routeTable?.match(new OtherQuery(head, this)) ?? null
  }

  clusterChoice(): ClusterChoice | null {
    const route = this.route()
    if (this.#clusterChoice === null && route?.kind === 'forward') {
      this.#clusterChoice = route.chooseCluster(this.config.random.next(), this.request.headers)
    }
    return this.#clusterChoice
  }

  routeFilters(): RouteFilters | null {
    return this.clusterChoice()?.filters ?? this.route()?.filters ?? null
  }

  routeConfig(filterName: string): object | null {
    return this.routeFilters()?.overrides.get(filterName)?.config ?? null
  }

  isFilterDisabled(filterName: string, byDefault: boolean): boolean {
    return this.routeFilters()?.overrides.get(filterName)?.disabled ?? byDefault
  }

  clearRouteCache(): void {
    this.knownRoute = undefined
    this.#clusterChoice = null
  }

  /** What a route that forwards does to headers of responses, it does to local replies (Envoy). */
  mutateReply(headers: HeaderList): void {
    const route = this.knownRoute
    if (route?.kind !== 'forward') return
    this.info.responseHeaders = headers
    this.clusterChoice()?.responseHeaders.apply(headers, this.info)
    route.responseHeaders.apply(headers, this.info)
  }

  /** A filter's refusal is the cluster's loss: the log names where the request would have gone (Envoy). */
  protected nameCluster(): void {
    const choice = this.#clusterChoice
    if (choice !== null) this.info.cluster ??= this.config.clusters.get(choice.cluster) ?? null
  }
}

/** What another request of the same stream would be asked. */
class OtherQuery implements RouteQuery {
  readonly head: RequestHead
  readonly info: StreamInfo
  readonly #request: RoutedRequest

  constructor(head: RequestHead, request: RoutedRequest) {
    this.head = head
    this.info = request.info
    this.#request = request
  }

  random(): number {
    return this.#request.random()
  }
}
