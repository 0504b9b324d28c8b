// The HTTP filters of a listener, compiled: which of them take part in which event, in the order they are asked.
import type {
  CompiledHttpFilter,
  CompiledTerminalFilter,
  FilterEvent,
} from '../filters/http/contract/http-filter-factory.ts'
import type { RouteFilters } from '../route/route-entry.ts'

export class FilterChain {
  readonly filters: readonly CompiledHttpFilter[]
  readonly terminal: CompiledTerminalFilter
  /** By position in `filters`: runs only where the route switches it on. */
  readonly disabled: readonly boolean[]
  /** Positions in `filters` that see the request, first to last. */
  readonly decoders: readonly number[]
  /** Positions in `filters` that see the response, last to first. */
  readonly encoders: readonly number[]
  readonly destroyed: readonly number[]
  readonly #alwaysNeeded: boolean

  constructor(
    filters: readonly CompiledHttpFilter[],
    terminal: CompiledTerminalFilter,
    disabled: readonly boolean[] = filters.map(() => false),
  ) {
    this.filters = filters
    this.terminal = terminal
    this.disabled = disabled
    const having = (...events: FilterEvent[]): number[] =>
      filters.flatMap((filter, position) => (filter.events.some(event => events.includes(event)) ? [position] : []))
    this.decoders = having('decodeHeaders', 'decodeData', 'decodeTrailers')
    this.encoders = having('encodeHeaders', 'encodeData', 'encodeTrailers').reverse()
    this.destroyed = having('onDestroy')
    this.#alwaysNeeded = disabled.includes(false)
  }

  /** False: every filter is off, and the route switches none on. */
  isNeeded(route: RouteFilters | null): boolean {
    return this.#alwaysNeeded || (route !== null && route.overrides.size > 0)
  }
}
