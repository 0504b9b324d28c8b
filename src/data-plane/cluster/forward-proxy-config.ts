// A dynamic forward proxy's ClusterConfig: how the names that requests ask for are looked up, and how many are kept.
import type { AddressChoice } from '../../transport/net/lookup-network.ts'
import { unpackAny } from '../../xds/any-pack.ts'
import {
  type Cluster as ClusterMessage,
  Cluster_DnsLookupFamily as Family,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterConfigSchema } from '../../xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import {
  type DnsCacheConfig,
  DnsCacheConfigSchema,
} from '../../xds/generated/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb.ts'
import { durationMs, type ResourceCheck } from '../../xds/resource-check.ts'
import { ADDRESS_CHOICES } from './dns-lookup-family.ts'

export interface ForwardProxyConfig {
  /** Null: all addresses are tried, as RFC 8305 has it. */
  readonly choose: AddressChoice | null
  readonly maxHosts: number
  readonly hostTtlMs: number
  /** TLS need not check that a server has the name that was asked for. */
  readonly insecure: boolean
}

const AT = 'cluster_type.typed_config'
const FIELDS = new Set(['dns_cache_config', 'allow_insecure_cluster_options'])
// Every connection looks its name up anew, so that no address is older than any rate asks for.
const CACHE_FIELDS = new Set([
  'name',
  'dns_lookup_family',
  'dns_refresh_rate',
  'dns_min_refresh_rate',
  'host_ttl',
  'max_hosts',
])
const ENVOY_MAX_HOSTS = 1024
const ENVOY_HOST_TTL_MS = 300_000

/** Null for a cluster type that is none. */
export function readForwardProxy(
  { clusterDiscoveryType }: ClusterMessage,
  check: ResourceCheck,
): ForwardProxyConfig | null {
  const type = clusterDiscoveryType.case === 'clusterType' ? clusterDiscoveryType.value : undefined
  const config = unpackAny(type?.typedConfig, ClusterConfigSchema)
  if (config === null) return null
  check.honour(ClusterConfigSchema, config, AT, FIELDS)
  const { clusterImplementationSpecifier: specifier, allowInsecureClusterOptions: insecure } = config
  const cache = specifier.case === 'dnsCacheConfig' ? specifier.value : undefined
  return { ...readDnsCache(cache, `${AT}.dns_cache_config`, check), insecure }
}

export function readDnsCache(
  cache: DnsCacheConfig | undefined,
  at: string,
  check: ResourceCheck,
): Omit<ForwardProxyConfig, 'insecure'> {
  if (cache === undefined) return { choose: null, maxHosts: ENVOY_MAX_HOSTS, hostTtlMs: ENVOY_HOST_TTL_MS }
  check.honour(DnsCacheConfigSchema, cache, at, CACHE_FIELDS)
  if (cache.name === '') check.error(`${at}.name`, 'is required')
  if (durationMs(cache.dnsRefreshRate, 1) < 1) check.error(`${at}.dns_refresh_rate`, 'must be at least 0.001s')
  if (durationMs(cache.dnsMinRefreshRate, 1000) < 1000) check.error(`${at}.dns_min_refresh_rate`, 'must be at least 1s')
  const hostTtlMs = durationMs(cache.hostTtl, ENVOY_HOST_TTL_MS)
  if (hostTtlMs <= 0) check.error(`${at}.host_ttl`, 'must be above 0s')
  const maxHosts = cache.maxHosts ?? ENVOY_MAX_HOSTS
  if (maxHosts === 0) check.error(`${at}.max_hosts`, 'must be at least 1')
  const family = cache.dnsLookupFamily
  const choose = ADDRESS_CHOICES[family]
  if (choose === undefined) check.error(`${at}.dns_lookup_family`, `${family} is no family`)
  return { choose: family === Family.AUTO || family === Family.ALL ? null : (choose ?? null), maxHosts, hostTtlMs }
}
