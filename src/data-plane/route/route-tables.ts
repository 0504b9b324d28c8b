// The route tables that RDS has delivered, by name. A stream keeps the table it began with.
import type { Problem } from '../../base/problem.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import type { StatsScope } from '../stats/stats-scope.ts'
import { compileRouteTable } from './compile-route-table.ts'
import type { HeldRoutes, RouteTable, RouteTableSource } from './route-entry.ts'
import { NO_ROUTE_CONFIGS, type RouteConfigFactories } from './route-filters.ts'

/** How filters read what routes of that configuration say to them. */
type FactoriesFor = (configuration: RouteConfiguration) => RouteConfigFactories

export class RouteTables implements RouteTableSource {
  readonly #tables = new Map<string, RouteTable>()
  readonly #held = new Map<string, WeakRef<HeldRoutes & { table: RouteTable | null }>>()
  readonly #factoriesFor: FactoriesFor
  readonly #stats: StatsScope | null

  constructor(factoriesFor: FactoriesFor = () => NO_ROUTE_CONFIGS, stats: StatsScope | null = null) {
    this.#factoriesFor = factoriesFor
    this.#stats = stats
  }

  get(name: string): RouteTable | undefined {
    return this.#tables.get(name)
  }

  /** Connections of a listener that drains ask for its routes still, when RDS has taken them back (as in Envoy). */
  hold(name: string): HeldRoutes {
    const known = this.#held.get(name)?.deref()
    if (known !== undefined) return known
    const held = { table: this.#tables.get(name) ?? null }
    this.#held.set(name, new WeakRef(held))
    return held
  }

  /** Takes every configuration that compiles; one that does not leaves its predecessor in force and is reported. */
  update(messages: readonly RouteConfiguration[], removed: readonly string[] = []): Problem[] {
    const problems: Problem[] = []
    for (const message of messages) {
      const compiled = compileRouteTable(message, this.#factoriesFor(message), this.#stats)
      if (compiled.ok) this.#set(message.name, compiled.value)
      else problems.push(...compiled.problems)
    }
    for (const name of removed) {
      this.#tables.delete(name)
      // Whose listener is to come waits for RDS anew, as if the name had never been known.
      this.#held.delete(name)
    }
    return problems
  }

  #set(name: string, table: RouteTable): void {
    this.#tables.set(name, table)
    const held = this.#held.get(name)?.deref()
    if (held !== undefined) held.table = table
  }
}
