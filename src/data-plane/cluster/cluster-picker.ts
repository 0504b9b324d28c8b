// The picker of a whole cluster: of its priorities those that are well, in each of them its localities, in each of those the
// cluster's policy. Made anew whenever an endpoint comes, goes or changes; a pick itself decides nothing that could be
// decided here.
import type { BalancerHost, LoadBalancer } from '../load-balancers/contract/load-balancer.ts'
import type { Endpoint, Picker } from './cluster.ts'
import type { ClusterEndpoint } from './cluster-endpoint.ts'
import { effectiveWeight, groupByLocality, type LocalityGroup } from './locality-group.ts'
import { loadsWithout, type PriorityHealth, type PriorityLoads, priorityLoads } from './priority-load.ts'
import { SharedPickers, WeightedPickers } from './weighted-pickers.ts'

export interface Balancing {
  readonly loadBalancer: LoadBalancer
  /** Percent of usable endpoints below which health reports are not believed (Envoy's panic). */
  readonly panicThreshold: number
  /** Localities share the load of their priority by their own weights. */
  readonly weighsLocalities: boolean
}

export const NOBODY: Picker = { pick: () => null }

/** By what is usable; `isWanted` leaves out of that what is not to be picked now, without counting it as unwell. */
export function createClusterPicker(
  endpoints: readonly ClusterEndpoint[],
  balancing: Balancing,
  host: BalancerHost,
  isWanted: (endpoint: ClusterEndpoint) => boolean = () => true,
): Picker {
  return new PickerMaker(balancing, host, isWanted).make(endpoints, []) ?? NOBODY
}

/** Of all priorities but `excluded`; null when nobody of the others is usable. */
export function createPickerWithout(
  excluded: readonly number[],
  endpoints: readonly ClusterEndpoint[],
  balancing: Balancing,
  host: BalancerHost,
  isWanted: (endpoint: ClusterEndpoint) => boolean,
): Picker | null {
  return new PickerMaker(balancing, host, isWanted).make(endpoints, excluded)
}

type Health = 'healthy' | 'degraded' | 'any'
/** The endpoints of each priority. */
type Levels = readonly (readonly ClusterEndpoint[])[]

class PickerMaker {
  readonly #balancing: Balancing
  readonly #host: BalancerHost
  readonly #isWanted: (endpoint: ClusterEndpoint) => boolean

  constructor(balancing: Balancing, host: BalancerHost, isWanted: (endpoint: ClusterEndpoint) => boolean) {
    this.#balancing = balancing
    this.#host = host
    this.#isWanted = isWanted
  }

  make(endpoints: readonly ClusterEndpoint[], excluded: readonly number[]): Picker | null {
    const levels = byPriority(endpoints)
    if (levels.length === 0) return null
    const healths = levels.map(level => ({
      total: level.filter(endpoint => !endpoint.excluded).length,
      healthy: level.filter(endpoint => is(endpoint, 'healthy')).length,
      degraded: level.filter(endpoint => is(endpoint, 'degraded')).length,
    }))
    const loads = this.#loads(levels, healths, excluded)
    return loads && this.#shared(levels, loads)
  }

  #loads(levels: Levels, healths: readonly PriorityHealth[], excluded: readonly number[]): PriorityLoads | null {
    const { panicThreshold } = this.#balancing
    if (excluded.length === 0) return priorityLoads(healths, panicThreshold)
    const isExcluded = levels.map(([first]) => first !== undefined && excluded.includes(first.priority))
    return loadsWithout(healths, panicThreshold, isExcluded)
  }

  #shared(levels: Levels, loads: PriorityLoads): Picker {
    const { loadBalancer } = this.#balancing
    const pickers: Picker[] = []
    const percents: number[] = []
    // A policy that hashes knows healthy endpoints only, whatever share of the load is for degraded ones (Envoy).
    const second = loadBalancer.hashes ? 'healthy' : 'degraded'
    for (const [health, shares] of [['healthy', loads.healthy] as const, [second, loads.degraded] as const])
      for (const [i, percent] of shares.entries()) {
        if (percent === 0) continue
        const level = levels[i]!
        // Of those who are well there nobody is wanted: the others take the share.
        if (!loads.panics[i] && level.some(one => is(one, health)) && this.#those(level, health).length === 0) continue
        pickers.push(this.#ofLevel(level, loads.panics[i] ? 'any' : health))
        percents.push(percent)
      }
    const [only = NOBODY] = pickers
    return pickers.length < 2 ? only : new SharedPickers(pickers, percents, loadBalancer.hashes)
  }

  #those(endpoints: readonly ClusterEndpoint[], health: Health): readonly ClusterEndpoint[] {
    if (health === 'any') return endpoints
    return endpoints.filter(endpoint => is(endpoint, health) && this.#isWanted(endpoint))
  }

  #ofLevel(level: readonly ClusterEndpoint[], health: Health): Picker {
    const { loadBalancer, weighsLocalities } = this.#balancing
    if (weighsLocalities) {
      const groups = groupByLocality(level).filter(group => group.weight > 0)
      const picker = loadBalancer.hashes ? this.#hashed(groups, health) : this.#weighed(groups, health)
      if (picker !== null) return picker
    }
    return this.#ofMembers(this.#those(level, health))
  }

  /** Null in panic, where one locality is as good as the other, and when none has both a weight and an endpoint to use. */
  #weighed(groups: readonly LocalityGroup[], health: Health): Picker | null {
    if (health === 'any') return null
    const pickers: Picker[] = []
    const weights: number[] = []
    for (const group of groups) {
      const members = this.#those(group.endpoints, health)
      const weight = effectiveWeight(group, members.length)
      if (weight === 0) continue
      pickers.push(this.#ofMembers(members))
      weights.push(weight)
    }
    if (pickers.length < 2) return pickers[0] ?? null
    return new WeightedPickers(pickers, weights)
  }

  /** One ring or table for all localities: an endpoint's place in it is its share of its locality's share. */
  #hashed(groups: readonly LocalityGroup[], health: Health): Picker | null {
    const total = groups.reduce((sum, { weight }) => sum + weight, 0)
    const members: Endpoint[] = []
    const shares: number[] = []
    for (const group of groups) {
      const eligible = this.#those(group.endpoints, health)
      const sum = eligible.reduce((weight, endpoint) => weight + endpoint.weight, 0)
      for (const endpoint of eligible) {
        members.push(endpoint)
        shares.push((endpoint.weight * (group.weight / total)) / sum)
      }
    }
    return members.length === 0 ? null : this.#balancing.loadBalancer.createPicker(members, shares, this.#host)
  }

  #ofMembers(members: readonly ClusterEndpoint[]): Picker {
    if (members.length === 0) return NOBODY
    const { loadBalancer } = this.#balancing
    const total = loadBalancer.hashes ? members.reduce((sum, { weight }) => sum + weight, 0) : 1
    const weights = members.map(({ weight }) => weight / total)
    return loadBalancer.createPicker(members, weights, this.#host)
  }
}

/** The one place where an endpoint's health is asked for. */
function is(endpoint: ClusterEndpoint, health: 'healthy' | 'degraded'): boolean {
  return endpoint.usable && endpoint.degraded === (health === 'degraded')
}

/** Without gaps: a priority that EDS leaves out has nobody, and stands for nothing. */
function byPriority(endpoints: readonly ClusterEndpoint[]): Levels {
  const levels = new Map<number, ClusterEndpoint[]>()
  for (const endpoint of endpoints) {
    const level = levels.get(endpoint.priority)
    if (level === undefined) levels.set(endpoint.priority, [endpoint])
    else level.push(endpoint)
  }
  return [...levels].sort(([a], [b]) => a - b).map(([, level]) => level)
}
