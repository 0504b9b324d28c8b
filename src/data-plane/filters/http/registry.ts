// Every HTTP filter there is. A filter is added by its folder and one line here.
import { BUFFER } from './buffer/factory.ts'
import type { AnyHttpFilterFactory } from './contract/http-filter-factory.ts'
import { CORS } from './cors/factory.ts'
import { DYNAMIC_FORWARD_PROXY } from './dynamic-forward-proxy/factory.ts'
import { FAULT } from './fault/factory.ts'
import { GRPC_STATS } from './grpc-stats/factory.ts'
import { GRPC_WEB } from './grpc-web/factory.ts'
import { HEADER_MUTATION } from './header-mutation/factory.ts'
import { HEALTH_CHECK } from './health-check/factory.ts'
import { LOCAL_RATELIMIT } from './local-ratelimit/factory.ts'
import { RATELIMIT } from './ratelimit/factory.ts'
import { RBAC } from './rbac/factory.ts'
import { ROUTER } from './router/factory.ts'

export const HTTP_FILTERS: readonly AnyHttpFilterFactory[] = [
  BUFFER,
  CORS,
  DYNAMIC_FORWARD_PROXY,
  FAULT,
  GRPC_STATS,
  GRPC_WEB,
  HEADER_MUTATION,
  HEALTH_CHECK,
  LOCAL_RATELIMIT,
  RATELIMIT,
  RBAC,
  ROUTER,
]
