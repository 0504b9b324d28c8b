// The dynamic forward proxy's HTTP filter. In Envoy it resolves the authority's name before the router runs, and the
// cluster of the same name demands it in the chain. In Weft the cluster itself makes endpoints from the authority as they
// are asked for (PickContext.authority), so that on a stream there is nothing to do.
import { unpackAny } from '../../../../xds/any-pack.ts'
import { FilterConfigSchema } from '../../../../xds/generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import { ResourceCheck } from '../../../../xds/resource-check.ts'
import { readDnsCache } from '../../../cluster/forward-proxy-config.ts'
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'

/** What the cache is like is said by the cluster's own `dns_cache_config`, which Envoy demands to be the same. */
const FIELDS = new Set(['dns_cache_config'])

export const DYNAMIC_FORWARD_PROXY: HttpFilterFactory = {
  name: 'envoy.filters.http.dynamic_forward_proxy',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
  terminal: false,
  compile(typedConfig) {
    const check = new ResourceCheck('')
    const config = unpackAny(typedConfig, FilterConfigSchema)
    if (config === null) check.error('', 'cannot be decoded', 'WEFT-4102')
    else {
      check.honour(FilterConfigSchema, config, '', FIELDS)
      const { implementationSpecifier: specifier } = config
      if (specifier.case === 'dnsCacheConfig') readDnsCache(specifier.value, 'dns_cache_config', check)
    }
    return check.result(null)
  },
}
