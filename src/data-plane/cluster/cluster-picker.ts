// The picker of a whole cluster: of its priorities those that are well, in each of them its localities, in each of those the
// cluster's policy. Made anew whenever an endpoint comes, goes or changes; a pick itself decides nothing that could be
// decided here.
import type { BalancerHost, LoadBalancer } from '../load-balancers/contract/load-balancer.ts'
import type { Picker } from './cluster.ts'
import type { ClusterEndpoint } from './cluster-endpoint.ts'
import { effectiveWeight, groupByLocality, type LocalityGroup } from './locality-group.ts'
import { priorityLoads } from './priority-load.ts'
import { SharedPickers, WeightedPickers } from './weighted-pickers.ts'

export interface Balancing {
  readonly loadBalancer: LoadBalancer
  /** Percent of usable endpoints below which health reports are not believed (Envoy's panic). */
  readonly panicThreshold: number
  /** Localities share the load of their priority by their own weights. */
  readonly weighsLocalities: boolean
}

export const NOBODY: Picker = { pick: () => null }

type Health = 'healthy' | 'degraded' | 'any'

/** The one place where an endpoint's health is asked for. */
function is(endpoint: ClusterEndpoint, health: Health): boolean {
  return health === 'any' || (endpoint.usable && endpoint.degraded === (health === 'degraded'))
}

export function createClusterPicker(
  endpoints: readonly ClusterEndpoint[],
  balancing: Balancing,
  host: BalancerHost,
): Picker {
  const levels = byPriority(endpoints)
  const healths = levels.map(level => ({
    total: level.length,
    healthy: level.filter(endpoint => is(endpoint, 'healthy')).length,
    degraded: level.filter(endpoint => is(endpoint, 'degraded')).length,
  }))
  if (levels.length === 0) return NOBODY
  const loads = priorityLoads(healths, balancing.panicThreshold)
  const pickers: Picker[] = []
  const percents: number[] = []
  const add = (level: number, percent: number, health: Health): void => {
    if (percent === 0) return
    pickers.push(levelPicker(levels[level]!, loads.panics[level] ? 'any' : health, balancing, host))
    percents.push(percent)
  }
  for (const [level, percent] of loads.healthy.entries()) add(level, percent, 'healthy')
  // A policy that hashes knows healthy endpoints only, whatever share its priority has of the load (Envoy).
  const second = balancing.loadBalancer.hashes ? 'healthy' : 'degraded'
  for (const [level, percent] of loads.degraded.entries()) add(level, percent, second)
  const [only] = pickers
  return pickers.length === 1 ? only! : new SharedPickers(pickers, percents, balancing.loadBalancer.hashes)
}

/** Without gaps: a priority that EDS leaves out has nobody, and stands for nothing. */
function byPriority(endpoints: readonly ClusterEndpoint[]): readonly (readonly ClusterEndpoint[])[] {
  const levels = new Map<number, ClusterEndpoint[]>()
  for (const endpoint of endpoints) {
    const level = levels.get(endpoint.priority)
    if (level === undefined) levels.set(endpoint.priority, [endpoint])
    else level.push(endpoint)
  }
  return [...levels].sort(([a], [b]) => a - b).map(([, level]) => level)
}

function levelPicker(
  level: readonly ClusterEndpoint[],
  health: Health,
  balancing: Balancing,
  host: BalancerHost,
): Picker {
  const { loadBalancer, weighsLocalities } = balancing
  if (weighsLocalities && (loadBalancer.hashes || health !== 'any')) {
    const groups = groupByLocality(level).filter(group => group.weight > 0)
    const picker = loadBalancer.hashes
      ? hashedLocalities(groups, health, loadBalancer, host)
      : weighedLocalities(groups, health, loadBalancer, host)
    if (picker !== null) return picker
  }
  const members = level.filter(endpoint => is(endpoint, health))
  return pickerOf(members, loadBalancer, host)
}

function pickerOf(members: readonly ClusterEndpoint[], loadBalancer: LoadBalancer, host: BalancerHost): Picker {
  if (members.length === 0) return NOBODY
  const total = loadBalancer.hashes ? members.reduce((sum, { weight }) => sum + weight, 0) : 1
  return loadBalancer.createPicker(
    members,
    members.map(({ weight }) => weight / total),
    host,
  )
}

/** Null: no locality has both a weight and an endpoint to use, and the priority is one whole. */
function weighedLocalities(
  groups: readonly LocalityGroup[],
  health: Health,
  loadBalancer: LoadBalancer,
  host: BalancerHost,
): Picker | null {
  const pickers: Picker[] = []
  const weights: number[] = []
  for (const group of groups) {
    const members = group.endpoints.filter(endpoint => is(endpoint, health))
    const weight = effectiveWeight(group, members.length)
    if (weight === 0) continue
    pickers.push(pickerOf(members, loadBalancer, host))
    weights.push(weight)
  }
  if (pickers.length < 2) return pickers[0] ?? null
  return new WeightedPickers(pickers, weights)
}

/** One ring or table for all localities: an endpoint's place in it is its share of its locality's share. */
function hashedLocalities(
  groups: readonly LocalityGroup[],
  health: Health,
  loadBalancer: LoadBalancer,
  host: BalancerHost,
): Picker | null {
  const total = groups.reduce((sum, { weight }) => sum + weight, 0)
  const members: ClusterEndpoint[] = []
  const shares: number[] = []
  for (const group of groups) {
    const eligible = group.endpoints.filter(endpoint => is(endpoint, health))
    const sum = eligible.reduce((weight, endpoint) => weight + endpoint.weight, 0)
    for (const endpoint of eligible) {
      members.push(endpoint)
      shares.push((endpoint.weight * (group.weight / total)) / sum)
    }
  }
  return members.length === 0 ? null : loadBalancer.createPicker(members, shares, host)
}
