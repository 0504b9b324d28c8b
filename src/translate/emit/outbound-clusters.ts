// The clusters of a service: one for each port, and one for each subset of each port.
import { create, type JsonObject } from '@bufbuild/protobuf'
import type { Subset } from '../../model/destination-rule.ts'
import type { XdsResource } from '../../model/proxy-resources.ts'
import type { ConnectionPool, TrafficPolicyBlocks } from '../../model/traffic-policy.ts'
import {
  type Cluster,
  Cluster_CommonLbConfigSchema,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_TransportSocketMatchSchema,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { ClusterLoadAssignment } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import { selects } from '../link/label-selector.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import type { MergedRule } from '../link/merged-rules.ts'
import { isUnresolved, type MeshEndpoint, type MeshService, type MeshServicePort } from '../link/mesh-service.ts'
import { type ClientKind, callersAddress } from './callers-address.ts'
import { namesByRequest, originatedTls } from './client-tls.ts'
import { applyBalancing } from './cluster-balancing.ts'
import { circuitBreakers } from './cluster-limits.ts'
import { failsOver, isPlaced, type PlaceKey, passesThrough, policyOf, spreadFor } from './cluster-place.ts'
import { adsSource } from './config-source.ts'
import { duration } from './durations.ts'
import { istioMetadata } from './istio-metadata.ts'
import { loadAssignment } from './load-assignment.ts'
import { spreadRule, weighsLocalities } from './locality-spread.ts'
import { rawBuffer, upstreamTls } from './mutual-tls.ts'
import { applyOutlierDetection } from './outlier-detection.ts'
import { applyProxyProtocol } from './proxy-protocol.ts'
import { configPath, outboundCluster, outboundServerName, tunnelCluster } from './resource-names.ts'
import { statName } from './stat-name.ts'
import { applyTcpKeepalive } from './tcp-keepalive.ts'
import { httpProtocolOptions, tunnelsApart, type UpstreamVersion, upstreamVersion } from './upstream-version.ts'

export interface ServiceClusters {
  readonly clusters: readonly XdsResource<Cluster>[]
  readonly endpoints: readonly XdsResource<ClusterLoadAssignment>[]
}

/** The same object for every client for which the same rule holds, and the same place where that matters. */
export function serviceClusters(
  mesh: LinkedMesh,
  service: MeshService,
  rule: MergedRule | null,
  client: ClientKind,
  place: PlaceKey,
): ServiceClusters {
  const where = isPlaced(mesh, service, rule) ? place.key : ''
  return mesh.memo.get(`clusters|${client}|${service.key}|${rule?.key ?? ''}|${where}`, () => {
    const clusters: XdsResource<Cluster>[] = []
    const endpoints: XdsResource<ClusterLoadAssignment>[] = []
    const origins = [...service.origins, ...(rule?.origins ?? [])]
    for (const port of service.ports)
      for (const subset of [null, ...(rule?.subsets ?? [])]) {
        const name = outboundCluster(port.number, subset?.name ?? '', service.host)
        const chosen = endpointsOf(service, port, subset)
        // Envoy refuses nothing here, but Istio makes no DNS cluster without an endpoint: 503 NC and not UH.
        if (resolvesNames(service) && chosen.length === 0) continue
        const assignment = loadAssignment(name, chosen, spreadFor(mesh, { rule, port, subset }, place))
        const speaks =
          upstreamVersion(mesh.input.meshConfig, port.protocol, poolOf(mesh, rule, port, subset), client) ?? 'tcp'
        const plan: ClusterPlan = { mesh, service, rule, port, subset, name, speaks, client }
        clusters.push({ name, message: makeCluster(plan, assignment), origins })
        if (service.resolution === 'EDS' && !passesThrough(mesh, { rule, port, subset }))
          endpoints.push({ name, message: assignment, origins: service.origins })
      }
    return { clusters, endpoints }
  })
}

/** For bytes, where the cluster of the port would tell its peers to expect requests. */
export function serviceTunnels(
  mesh: LinkedMesh,
  service: MeshService,
  rule: MergedRule | null,
  client: ClientKind,
  place: PlaceKey,
): readonly XdsResource<Cluster>[] {
  const where = isPlaced(mesh, service, rule) ? place.key : ''
  return mesh.memo.get(`tunnels|${client}|${service.key}|${rule?.key ?? ''}|${where}`, () => {
    const origins = [...service.origins, ...(rule?.origins ?? [])]
    return service.ports.flatMap(port =>
      [null, ...(rule?.subsets ?? [])].flatMap(subset => {
        if (!tunnelsApart(mesh.input.meshConfig, port.protocol, poolOf(mesh, rule, port, subset))) return []
        const name = tunnelCluster(port.number, subset?.name ?? '', service.host)
        const chosen = endpointsOf(service, port, subset)
        if (resolvesNames(service) && chosen.length === 0) return []
        const plan: ClusterPlan = { mesh, service, rule, port, subset, name, speaks: 'tcp', client }
        return [
          { name, message: makeCluster(plan, loadAssignment(name, chosen, spreadFor(mesh, plan, place))), origins },
        ]
      }),
    )
  })
}

/**
 * For TLS that a gateway passes on by its server name (Istio's sni-dnat): nothing is added to it, and nobody is reached
 * who would take it for plaintext.
 */
export function serviceRelays(
  mesh: LinkedMesh,
  service: MeshService,
  rule: MergedRule | null,
  place: PlaceKey,
): ServiceClusters {
  if (service.external || isUnresolved(service)) return { clusters: [], endpoints: [] }
  const where = isPlaced(mesh, service, rule) ? place.key : ''
  return mesh.memo.get(`relays|${service.key}|${rule?.key ?? ''}|${where}`, () => {
    const clusters: XdsResource<Cluster>[] = []
    const endpoints: XdsResource<ClusterLoadAssignment>[] = []
    const origins = [...service.origins, ...(rule?.origins ?? [])]
    for (const port of service.ports)
      for (const subset of [null, ...(rule?.subsets ?? [])]) {
        const name = outboundServerName(port.number, subset?.name ?? '', service.host)
        const chosen = endpointsOf(service, port, subset).filter(({ mutualTls }) => mutualTls)
        if (resolvesNames(service) && chosen.length === 0) continue
        const assignment = loadAssignment(name, chosen, spreadFor(mesh, { rule, port, subset }, place))
        const plan: ClusterPlan = {
          mesh,
          service,
          rule,
          port,
          subset,
          name,
          speaks: 'tcp',
          client: 'router',
          relays: true,
        }
        clusters.push({ name, message: makeCluster(plan, assignment), origins })
        if (service.resolution === 'EDS' && !passesThrough(mesh, { rule, port, subset }))
          endpoints.push({ name, message: assignment, origins: service.origins })
      }
    return { clusters, endpoints }
  })
}

function poolOf(
  mesh: LinkedMesh,
  rule: MergedRule | null,
  port: MeshServicePort,
  subset: Subset | null,
): ConnectionPool | undefined {
  return policyOf(mesh, { rule, port, subset }).connectionPool
}

function resolvesNames({ resolution }: MeshService): boolean {
  return resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN'
}

function endpointsOf(service: MeshService, port: MeshServicePort, subset: Subset | null): readonly MeshEndpoint[] {
  const known = service.endpoints(port)
  // Several entries for one host may have brought several; Envoy takes one.
  const all = service.resolution === 'DNS_ROUND_ROBIN' ? known.slice(0, 1) : known
  return subset ? all.filter(endpoint => selects(subset.labels, endpoint.labels)) : all
}

interface ClusterPlan {
  readonly mesh: LinkedMesh
  readonly service: MeshService
  readonly rule: MergedRule | null
  readonly port: MeshServicePort
  readonly subset: Subset | null
  readonly name: string
  readonly speaks: UpstreamVersion | 'tcp'
  readonly client: ClientKind
  /** What goes through it is TLS already. */
  readonly relays?: true
}

function makeCluster(plan: ClusterPlan, assignment: ClusterLoadAssignment): Cluster {
  const { mesh, service, port, subset, name, speaks } = plan
  const { meshConfig } = mesh.input
  const policy = policyOf(mesh, plan)
  const names = proxiesByName(plan) && policy.tls ? namesByRequest(policy.tls, service) : undefined
  const errorCodes = policy.outlierDetection?.httpErrorCodes
  const options =
    speaks === 'tcp' ? undefined : httpProtocolOptions(meshConfig, policy.connectionPool, speaks, { names, errorCodes })
  const cluster = create(ClusterSchema, {
    name,
    altStatName: statName(meshConfig.outboundClusterStatName, service, port, subset?.name ?? '', 0),
    connectTimeout: duration(policy.connectionPool?.connectTimeoutMs ?? meshConfig.connectTimeoutMs),
    circuitBreakers: circuitBreakers(policy.connectionPool, policy.retryBudget),
    metadata: istioMetadata(metadataOf(plan)),
    commonLbConfig: create(
      Cluster_CommonLbConfigSchema,
      weighsLocalities(
        spreadRule(meshConfig, policy),
        failsOver(policy),
        policy.loadBalancer?.consistentHash !== undefined,
      )
        ? { localityConfigSpecifier: { case: 'localityWeightedLbConfig', value: {} } }
        : {},
    ),
    ...(options ? { typedExtensionProtocolOptions: options } : {}),
  })
  applyBalancing(cluster, policy.loadBalancer, plan.rule?.peakEwmaDecayMs ?? 0)
  if (passesThrough(mesh, plan)) {
    // Nothing to discover.
  } else if (service.resolution === 'EDS') {
    cluster.clusterDiscoveryType = { case: 'type', value: Cluster_DiscoveryType.EDS }
    cluster.edsClusterConfig = create(ClusterSchema, {
      edsClusterConfig: {
        edsConfig: adsSource(),
        serviceName: plan.relays ? name : outboundCluster(port.number, subset?.name ?? '', service.host),
      },
    }).edsClusterConfig!
  } else if (isUnresolved(service)) {
    Object.assign(cluster, callersAddress(proxiesByName(plan) ? 'http-proxy' : plan.client))
  } else {
    const all = service.resolution === 'DNS'
    const value = all ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.LOGICAL_DNS
    cluster.clusterDiscoveryType = { case: 'type', value }
    cluster.dnsLookupFamily = Cluster_DnsLookupFamily.V4_ONLY
    cluster.dnsRefreshRate = duration(meshConfig.dnsRefreshRateMs)
    cluster.respectDnsTtl = true
    cluster.loadAssignment = assignment
  }
  if (!plan.relays) applyTls(cluster, plan, policy)
  applyOutlierDetection(cluster, policy.outlierDetection, plan.rule?.halfOpenProbes ?? 0)
  applyProxyProtocol(cluster, policy.proxyProtocol)
  applyTcpKeepalive(cluster, meshConfig, policy.connectionPool?.tcpKeepalive)
  return cluster
}

/** The request says whom it is for. */
function proxiesByName({ service, client }: ClusterPlan): boolean {
  return service.resolution === 'DYNAMIC_DNS' || (service.resolution === 'NONE' && client === 'http-proxy')
}

function metadataOf({ service, rule, subset }: ClusterPlan): JsonObject {
  const { host, name, namespace } = service
  return {
    services: [{ host, name, namespace }],
    ...(rule ? { config: configPath('destination-rule', rule.namespace, rule.name) } : {}),
    ...(subset ? { subset: subset.name } : {}),
    ...(service.external ? { external: true } : {}),
  }
}

/** A rule's own word; else mTLS towards the endpoints that can speak it, plaintext to the others (auto mTLS). */
function applyTls(cluster: Cluster, plan: ClusterPlan, policy: TrafficPolicyBlocks): void {
  const { mesh, service, port, subset, speaks } = plan
  const serverName = outboundServerName(port.number, subset?.name ?? '', service.host)
  if (policy.tls) {
    if (policy.tls.mode === 'DISABLE') return
    if (policy.tls.mode !== 'ISTIO_MUTUAL') {
      cluster.transportSocket = originatedTls(mesh.input.meshConfig, policy.tls, service, speaks)
      return
    }
    const { sni, subjectAltNames } = policy.tls
    const identities = subjectAltNames.length > 0 ? subjectAltNames : service.subjectAltNames()
    cluster.transportSocket = upstreamTls(sni ?? serverName, identities, speaks)
    return
  }
  if (!mesh.input.meshConfig.enableAutoMtls || service.external || isUnresolved(service)) return
  cluster.transportSocketMatches = [
    create(Cluster_TransportSocketMatchSchema, {
      name: 'tlsMode-istio',
      match: { tlsMode: 'istio' },
      transportSocket: upstreamTls(serverName, service.subjectAltNames(), speaks),
    }),
    create(Cluster_TransportSocketMatchSchema, { name: 'tlsMode-disabled', match: {}, transportSocket: rawBuffer() }),
  ]
}
