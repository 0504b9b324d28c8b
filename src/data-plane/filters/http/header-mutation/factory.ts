// header_mutation, for the registry.
import type { HttpFilterFactory } from '../contract/http-filter-factory.ts'
import { combineRouteMutations, compileHeaderMutation, compileRouteMutation, type RouteMutations } from './config.ts'
import { HeaderMutationFilter } from './filter.ts'

const TYPES = 'type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3'

export const HEADER_MUTATION: HttpFilterFactory = {
  name: 'envoy.filters.http.header_mutation',
  typeUrl: `${TYPES}.HeaderMutation`,
  terminal: false,
  compile(typedConfig, host) {
    const config = compileHeaderMutation(typedConfig)
    if (!config.ok) return config
    const name = host.filterName
    return {
      ok: true,
      value: {
        name,
        events: ['decodeHeaders', 'encodeHeaders'],
        createFilter: stream => new HeaderMutationFilter(stream, name, config.value),
      },
    }
  },
  routeConfig: {
    typeUrl: `${TYPES}.HeaderMutationPerRoute`,
    compile: compileRouteMutation,
    combine: levels => combineRouteMutations(levels as readonly RouteMutations[]),
  },
}
