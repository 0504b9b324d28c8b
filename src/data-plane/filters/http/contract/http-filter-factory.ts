// How an HTTP filter is found by its config and made for each stream.
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Parsed } from '../../../../base/problem.ts'
import type { StatsScope } from '../../../stats/stats-scope.ts'
import type { NetworkFilterHost } from '../../network/contract/network-filter.ts'
import type { HttpFilter, TerminalFilter, TerminalStream } from './http-filter.ts'

export type FilterEvent =
  | 'decodeHeaders'
  | 'decodeData'
  | 'decodeTrailers'
  | 'encodeHeaders'
  | 'encodeData'
  | 'encodeTrailers'
  | 'onDestroy'

/** A filter with its config compiled, shared by the streams of a listener. */
export interface CompiledHttpFilter {
  readonly name: string
  /** The events it takes part in; the chain calls it for no others. */
  readonly events: readonly FilterEvent[]
  createFilter(stream: TerminalStream): HttpFilter
}

/** Ends the chain: takes every request. */
export interface CompiledTerminalFilter {
  readonly name: string
  createTerminalFilter(stream: TerminalStream): TerminalFilter
}

/** What the connection manager lends to its filters. */
export interface HttpFilterHost {
  readonly proxy: NetworkFilterHost
  /** `http.<stat prefix>.` */
  readonly connectionManagerStats: StatsScope
  /** The filter's own in the connection manager's list: routes speak to it by this name. */
  readonly filterName: string
}

interface FactoryBase {
  /** Envoy's name: `envoy.filters.http.router`. */
  readonly name: string
  readonly typeUrl: string
}

export interface HttpFilterFactory extends FactoryBase {
  readonly terminal: false
  /** Null: the filter has nothing to do on any stream. Problems' paths begin at the config. */
  compile(typedConfig: Any, host: HttpFilterHost): Parsed<CompiledHttpFilter | null>
  /** What the filter takes from routes (typed_per_filter_config). */
  readonly routeConfig?: RouteConfigReader
}

export interface RouteConfigReader {
  readonly typeUrl: string
  /** An instance of a class of the filter's own: by that the filter knows that the words are meant for it. */
  compile(typedConfig: Any, host: RouteConfigHost): Parsed<object>
  /** For a filter that looks at more than the most specific level; least specific first. */
  combine?(levels: readonly object[]): object
}

/** What the proxy lends to the part of a filter that a route brings along. */
export type RouteConfigHost = Pick<NetworkFilterHost, 'clock' | 'random' | 'stats' | 'limits'>

export interface TerminalFilterFactory extends FactoryBase {
  readonly terminal: true
  compile(typedConfig: Any, host: HttpFilterHost): Parsed<CompiledTerminalFilter>
}

export type AnyHttpFilterFactory = HttpFilterFactory | TerminalFilterFactory
