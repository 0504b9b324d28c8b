// The filter chains of one place that a gateway listens on: one for plaintext, or one for each set of server names of TLS.
import { create } from '@bufbuild/protobuf'
import { kindOfServer } from '../../model/gateway.ts'
import type { Origin } from '../../model/origin.ts'
import { isPassedThrough } from '../../model/server-tls.ts'
import {
  type Filter,
  type FilterChain,
  FilterChainMatchSchema,
  FilterChainSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import type { ClientScope } from '../link/client-scope.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { BoundServer } from './bound-server.ts'
import { gatewayManager, type PolicyFilters } from './connection-manager.ts'
import { gatewayTcpPlan, gatewayTlsPlans, relayPlans } from './gateway-l4-plans.ts'

import { bytesChains, distinctPlans } from './l4-chains.ts'
import type { L4Plan } from './l4-plans.ts'
import { ISTIO_ALPN } from './mutual-tls.ts'
import { serverTls } from './server-tls.ts'
import { tcpProxy } from './tcp-proxy.ts'

export interface GatewayChains {
  readonly filterChains: FilterChain[]
  /** The TLS inspector is needed. */
  readonly byServerName: boolean
  readonly relaysBytes: boolean
  /** By the names of clusters that are made for it. */
  readonly relaysByName: boolean
  /** Servers whose requests are routed, by the name of their route configuration. */
  readonly routes: ReadonlyMap<string, readonly BoundServer[]>
  readonly origins: readonly Origin[]
}

/** `all`: in order of precedence, at least one; the first says what the place carries, as in Istio. */
export function gatewayChains(
  mesh: LinkedMesh,
  scope: ClientScope,
  all: readonly BoundServer[],
  statPrefix: string,
  filters: PolicyFilters,
): GatewayChains {
  const first = all[0]!
  const kind = kindOfServer(first.server)
  const servers = all.filter(({ server }) => kindOfServer(server) === kind)
  if (kind === 'requests') return plaintext(mesh, scope, servers, statPrefix, filters)
  if (kind === 'tls') return encrypted(mesh, scope, servers, statPrefix, filters)
  const plan = gatewayTcpPlan(mesh, scope, first)
  const plans = plan ? [plan] : []
  return {
    ...bytesChains(mesh.input.meshConfig, plans),
    byServerName: false,
    relaysBytes: true,
    relaysByName: false,
    routes: new Map(),
    origins: plans.flatMap(({ origins }) => origins),
  }
}

function plaintext(
  mesh: LinkedMesh,
  scope: ClientScope,
  servers: readonly BoundServer[],
  statPrefix: string,
  policies: PolicyFilters,
): GatewayChains {
  const { port, bind } = servers[0]!.server
  const routeName = bind === '' ? `http.${port.number}` : `http.${port.number}.${bind}`
  const filters = [gatewayManager(mesh.input.meshConfig, statPrefix, routeName, policies, scope.resolvesHosts)]
  return {
    filterChains: [create(FilterChainSchema, { filters })],
    byServerName: false,
    relaysBytes: false,
    relaysByName: false,
    routes: new Map([[routeName, servers]]),
    origins: [],
  }
}

interface ChainPlan {
  readonly serverNames: readonly string[]
  readonly subnets: readonly string[]
  readonly bound: BoundServer
  /** Empty: any. */
  readonly alpn: readonly string[]
  /** Null: requests. */
  readonly bytes: L4Plan | null
}

function encrypted(
  mesh: LinkedMesh,
  scope: ClientScope,
  servers: readonly BoundServer[],
  statPrefix: string,
  filters: PolicyFilters,
): GatewayChains {
  const plans = distinctPlans(servers.flatMap(bound => plansOf(mesh, scope, bound)))
  const routes = new Map<string, readonly BoundServer[]>()
  const filterChains = plans.map(({ serverNames, alpn, bound, bytes }) => {
    const routeName = secureRoutes(bound)
    if (!bytes) routes.set(routeName, [bound])
    const filter: Filter = bytes
      ? tcpProxy(mesh.input.meshConfig, bytes.tunnel)
      : gatewayManager(mesh.input.meshConfig, statPrefix, routeName, filters, scope.resolvesHosts)
    const { tls } = bound.server
    return create(FilterChainSchema, {
      filters: [filter],
      ...(serverNames.length > 0
        ? {
            filterChainMatch: create(FilterChainMatchSchema, {
              serverNames: [...serverNames],
              applicationProtocols: [...alpn],
            }),
          }
        : {}),
      ...(tls && !isPassedThrough(tls)
        ? { transportSocket: serverTls(mesh.input.meshConfig, tls, bytes ? 'tcp' : 'http') }
        : {}),
    })
  })
  return {
    filterChains,
    byServerName: plans.some(({ serverNames }) => serverNames.length > 0),
    relaysBytes: plans.some(({ bytes }) => bytes !== null),
    relaysByName: servers.some(({ server }) => server.tls?.mode === 'AUTO_PASSTHROUGH'),
    routes,
    origins: plans.flatMap(({ bytes }) => bytes?.origins ?? []),
  }
}

/** TLS that is passed through goes by the names of its rules; what is ended here, by the hosts of its server. */
function plansOf(mesh: LinkedMesh, scope: ClientScope, bound: BoundServer): readonly ChainPlan[] {
  const { server } = bound
  if (server.tls?.mode === 'PASSTHROUGH')
    return gatewayTlsPlans(mesh, scope, bound).map(bytes => ({ ...bytes, alpn: [], bound, bytes }))
  // Only a member of the mesh offers these, and only endpoints that demand its certificate are behind: nobody gets past mTLS.
  if (server.tls?.mode === 'AUTO_PASSTHROUGH')
    return relayPlans(mesh, scope, bound).map(bytes => ({ ...bytes, alpn: ISTIO_ALPN, bound, bytes }))
  const serverNames = server.hosts.map(({ host }) => host)
  const ended = { serverNames, subnets: [], alpn: [], bound }
  if (server.port.protocol === 'HTTPS') return [{ ...ended, bytes: null }]
  const bytes = gatewayTcpPlan(mesh, scope, bound)
  return bytes ? [{ ...ended, bytes }] : []
}

function secureRoutes({ gateway, server: { port, bind } }: BoundServer): string {
  const name = `https.${port.number}.${port.name}.${gateway.name}.${gateway.namespace}`
  return bind === '' ? name : `${name}.${bind}`
}
