// The dynamic forward proxy's HTTP filter. In Envoy it resolves the authority's name before the router runs, and the
// cluster of the same name demands it in the chain. In Weft the cluster itself makes endpoints from the authority as they
// are asked for (PickContext.authority), so that on a stream there is nothing to do.
import { fromBinary } from '@bufbuild/protobuf'
import type { Problem } from '../../../../base/problem.ts'
import type { ProblemCode } from '../../../../base/problem-table.ts'
import {
  type FilterConfig,
  FilterConfigSchema,
} from '../../../../xds/generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts'
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'

export const DYNAMIC_FORWARD_PROXY: HttpFilterFactory = {
  name: 'envoy.filters.http.dynamic_forward_proxy',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig',
  terminal: false,
  compile(typedConfig, path) {
    let config: FilterConfig
    try {
      config = fromBinary(FilterConfigSchema, typedConfig.value)
    } catch {
      return { ok: false, problems: [problem('WEFT-4102', path, 'cannot be decoded')] }
    }
    const problems: Problem[] = []
    if (config.implementationSpecifier.case === 'subClusterConfig') {
      problems.push(problem('WEFT-4001', `${path}.sub_cluster_config`, 'not supported yet'))
    }
    if (config.saveUpstreamAddress)
      problems.push(problem('WEFT-4001', `${path}.save_upstream_address`, 'not supported yet'))
    return problems.length > 0 ? { ok: false, problems } : { ok: true, value: null }
  },
}

function problem(code: ProblemCode, path: string, message: string): Problem {
  return { code, severity: 'error', path, message }
}
