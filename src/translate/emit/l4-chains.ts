// Filter chains that relay bytes, from plans of several services: what an earlier one takes, no later one may claim.
import { create } from '@bufbuild/protobuf'
import { maskedAddress } from '../../base/masked-address.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import {
  type FilterChain,
  FilterChainMatchSchema,
  FilterChainSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import type { Listener } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { cidrOf } from '../host/ip-address.ts'
import type { L4Plan } from './l4-plans.ts'
import { tcpProxy } from './tcp-proxy.ts'

/** Envoy refuses a listener of which two chains match alike, so an address and a name together are given out once. */
export function distinctPlans<P extends Pick<L4Plan, 'serverNames' | 'subnets'>>(plans: readonly P[]): readonly P[] {
  const taken = new Set<string>()
  return plans.flatMap(plan => {
    /** Subnets by the names that are left to them. */
    const left = new Map<string, { readonly serverNames: readonly string[]; readonly subnets: string[] }>()
    for (const subnet of orAny(plan.subnets.map(network))) {
      const serverNames = orAny(anyName(plan.serverNames)).filter(name => !taken.has(`${subnet}|${name}`))
      for (const name of serverNames) taken.add(`${subnet}|${name}`)
      const group = left.get(serverNames.join())
      if (group) group.subnets.push(subnet)
      else if (serverNames.length > 0) left.set(serverNames.join(), { serverNames, subnets: [subnet] })
    }
    return [...left.values()].map(({ serverNames, subnets }) => ({
      ...plan,
      serverNames: serverNames.filter(name => name !== ANY),
      subnets: subnets.filter(subnet => subnet !== ANY),
    }))
  })
}

const ANY = ''

/** To Envoy any name at all is none. */
function anyName(names: readonly string[]): readonly string[] {
  return names.includes('*') ? [] : names.map(name => name.toLowerCase())
}

/** `10.1.2.3/16` is `10.1.0.0/16`. */
function network(subnet: string): string {
  const { address, prefixLength } = cidrOf(subnet) ?? { address: subnet, prefixLength: 0 }
  return maskedAddress(address, prefixLength, prefixLength)
}

/** Distinct, in one spelling; the empty list is one that holds anything. */
function orAny(values: readonly string[]): readonly string[] {
  return values.length === 0 ? [ANY] : [...new Set(values)]
}

export function takesAll({ serverNames, subnets }: L4Plan): boolean {
  return serverNames.length === 0 && subnets.length === 0
}

/** What takes all stands aside: Envoy does not go back to a chain without a match once an address has matched. */
export function bytesChains(
  meshConfig: MeshConfig,
  plans: readonly L4Plan[],
): Pick<Listener, 'filterChains'> & Partial<Pick<Listener, 'defaultFilterChain'>> {
  const chains = plans.filter(plan => !takesAll(plan)).map(plan => bytesChain(meshConfig, plan))
  const rest = plans.find(takesAll)
  if (!rest) return { filterChains: chains }
  const last = bytesChain(meshConfig, rest)
  return chains.length === 0 ? { filterChains: [last] } : { filterChains: chains, defaultFilterChain: last }
}

function bytesChain(meshConfig: MeshConfig, { serverNames, subnets, tunnel }: L4Plan): FilterChain {
  const match = create(FilterChainMatchSchema, {
    serverNames: [...serverNames],
    prefixRanges: subnets.flatMap(subnet => {
      const cidr = cidrOf(subnet)
      return cidr ? [{ addressPrefix: cidr.address, prefixLen: cidr.prefixLength }] : []
    }),
  })
  const matches = match.serverNames.length > 0 || match.prefixRanges.length > 0
  return create(FilterChainSchema, {
    filters: [tcpProxy(meshConfig, tunnel)],
    ...(matches ? { filterChainMatch: match } : {}),
  })
}
