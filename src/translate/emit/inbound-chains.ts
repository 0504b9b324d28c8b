// How an inbound listener tells apart what comes in: mesh mTLS or not, HTTP or bytes.
import { create } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { MutualTlsMode } from '../../model/peer-authentication.ts'
import type { ProtocolFamily } from '../../model/port-protocol.ts'
import type { ServerTls } from '../../model/server-tls.ts'
import {
  type Filter,
  type FilterChain,
  type FilterChainMatch,
  FilterChainMatchSchema,
  FilterChainSchema,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import type { Listener } from '../../xds/generated/envoy/config/listener/v3/listener_pb.ts'
import { duration } from './durations.ts'
import { httpInspector, PLAINTEXT_HTTP, tlsInspector } from './listener-filters.ts'
import { downstreamTls, ISTIO_ALPN, ISTIO_HTTP_ALPN, TCP_ALPN } from './mutual-tls.ts'
import { serverTls } from './server-tls.ts'

/** What takes requests, and what takes bytes. */
export type Carriers = Readonly<Record<'http' | 'tcp', Filter[]>>

/** The parts of a listener that say so. */
type Chains = Pick<Listener, 'filterChains' | 'listenerFilters' | 'continueOnListenerFiltersTimeout'> &
  Partial<Pick<Listener, 'listenerFiltersTimeout'>>

/** One chain: `alpn` empty is any, `transport` empty too. */
interface ChainPlan {
  readonly name: string
  readonly carries: 'http' | 'tcp'
  readonly mutualTls: boolean
  readonly transport: '' | 'tls' | 'raw_buffer'
  readonly alpn: readonly string[]
}

export function inboundChains(
  name: string,
  family: ProtocolFamily,
  mode: MutualTlsMode,
  carriers: Carriers,
  detectionTimeoutMs: number,
): Chains {
  const plans = plansFor(family, mode)
  const filterChains = plans.map(plan => chain(name, plan, carriers))
  const looksForTls = plans.some(plan => plan.transport === 'tls')
  const looksForHttp = plans.some(plan => plan.alpn === PLAINTEXT_HTTP)
  const listenerFilters = [...(looksForTls ? [tlsInspector()] : []), ...(looksForHttp ? [httpInspector()] : [])]
  const mayBeBytes = listenerFilters.length > 0 && plans.some(plan => plan.carries === 'tcp')
  return {
    filterChains,
    listenerFilters,
    // A silent client may wait for a server that speaks first: how long that is found out is the mesh's to say.
    ...(mayBeBytes ? { listenerFiltersTimeout: duration(detectionTimeoutMs) } : {}),
    continueOnListenerFiltersTimeout: mayBeBytes,
  }
}

/** TLS that is not the mesh's, ended here: whatever else comes is closed. */
export function ownTlsChain(
  meshConfig: MeshConfig,
  name: string,
  family: ProtocolFamily,
  tls: ServerTls,
  carriers: Carriers,
): Chains {
  const carries = family === 'tcp' ? 'tcp' : 'http'
  return {
    filterChains: [
      create(FilterChainSchema, {
        name: `${name}_own_tls`,
        filters: carriers[carries],
        filterChainMatch: chainMatch('tls', []),
        transportSocket: serverTls(meshConfig, tls, carries),
      }),
    ],
    listenerFilters: [tlsInspector()],
    continueOnListenerFiltersTimeout: false,
  }
}

/** As Istio has them: the more specific match wins, and what no chain takes is closed. */
function plansFor(family: ProtocolFamily, mode: MutualTlsMode): readonly ChainPlan[] {
  if (family === 'undeclared') return undeclaredPlans(mode)
  const carries = family === 'tcp' ? 'tcp' : 'http'
  // Whatever is not TLS fails its handshake: no chain takes plaintext, and nothing needs to look at it first.
  if (mode === 'STRICT') return [{ name: 'tls', carries, mutualTls: true, transport: '', alpn: [] }]
  if (mode === 'DISABLE') return [{ name: 'plain', carries, mutualTls: false, transport: '', alpn: [] }]
  const mutual: ChainPlan = { name: 'tls', carries, mutualTls: true, transport: 'tls', alpn: ISTIO_ALPN }
  const plain: ChainPlan = { name: 'plain', carries, mutualTls: false, transport: 'raw_buffer', alpn: [] }
  return carries === 'http' ? [mutual, plain] : [mutual, FOREIGN_TLS, plain]
}

/** TLS of the application's own. */
const FOREIGN_TLS: ChainPlan = { name: 'foreign_tls', carries: 'tcp', mutualTls: false, transport: 'tls', alpn: [] }
const MUTUAL_HTTP: ChainPlan = {
  ...{ name: 'tls_http', carries: 'http', mutualTls: true, transport: 'tls' },
  alpn: ISTIO_HTTP_ALPN,
}
const MUTUAL_TCP: ChainPlan = { name: 'tls_tcp', carries: 'tcp', mutualTls: true, transport: 'tls', alpn: [TCP_ALPN] }
/** Without a word from the client it is bytes. */
const MUTUAL_OTHER: ChainPlan = { ...MUTUAL_TCP, name: 'tls', alpn: [] }
const PLAIN_HTTP: ChainPlan = {
  ...{ name: 'plain_http', carries: 'http', mutualTls: false, transport: 'raw_buffer' },
  alpn: PLAINTEXT_HTTP,
}
const PLAIN_TCP: ChainPlan = {
  ...{ name: 'plain_tcp', carries: 'tcp', mutualTls: false, transport: 'raw_buffer' },
  alpn: [],
}

/** Behind mTLS the client's ALPN says what comes, so that nobody waits for anybody's first bytes. */
function undeclaredPlans(mode: MutualTlsMode): readonly ChainPlan[] {
  if (mode === 'STRICT') return [MUTUAL_HTTP, MUTUAL_TCP, MUTUAL_OTHER]
  // Alike but for the protocol: the one that names a transport would be the only one that is looked at (Envoy).
  if (mode === 'DISABLE') return [PLAIN_HTTP, PLAIN_TCP].map(plan => ({ ...plan, transport: '' }))
  return [MUTUAL_HTTP, MUTUAL_TCP, FOREIGN_TLS, PLAIN_HTTP, PLAIN_TCP]
}

function chain(listener: string, plan: ChainPlan, carriers: Carriers): FilterChain {
  const { name, carries, mutualTls, transport, alpn } = plan
  const matches = transport !== '' || alpn.length > 0
  return create(FilterChainSchema, {
    name: `${listener}_${name}`,
    filters: carriers[carries],
    ...(matches ? { filterChainMatch: chainMatch(transport, alpn) } : {}),
    ...(mutualTls ? { transportSocket: downstreamTls(carries) } : {}),
  })
}

function chainMatch(transportProtocol: string, applicationProtocols: readonly string[]): FilterChainMatch {
  return create(FilterChainMatchSchema, { transportProtocol, applicationProtocols: [...applicationProtocols] })
}
