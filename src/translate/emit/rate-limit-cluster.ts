// The mesh's own rate limit service, as the proxies that ask it reach it: under mutual TLS, as the control plane is.
import { create } from '@bufbuild/protobuf'
import type { XdsResource } from '../../model/proxy-resources.ts'
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'
import { duration } from './durations.ts'
import { loadAssignment } from './load-assignment.ts'
import { upstreamTls } from './mutual-tls.ts'
import { RATE_LIMIT_CLUSTER } from './resource-names.ts'
import { httpProtocolOptions } from './upstream-version.ts'

/** Whoever signs the mesh's certificates gives its own this account. */
const ACCOUNT = 'ns/istio-system/sa/istiod'

/** Without a service it has no endpoint: limits then do what they are to do on failure. */
export function rateLimitCluster(mesh: LinkedMesh): XdsResource<Cluster> {
  return mesh.memo.get('cluster|rate-limit', () => {
    const { meshConfig, rateLimitService } = mesh.input
    const server = rateLimitService && {
      ...rateLimitService,
      labels: {},
      locality: { region: '', zone: '', subZone: '' },
      weight: 1,
      mutualTls: true,
      healthy: true,
      workload: '',
    }
    const message = create(ClusterSchema, {
      name: RATE_LIMIT_CLUSTER,
      clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
      connectTimeout: duration(meshConfig.connectTimeoutMs),
      loadAssignment: loadAssignment(RATE_LIMIT_CLUSTER, server ? [server] : []),
      typedExtensionProtocolOptions: httpProtocolOptions(meshConfig, undefined, 'http2')!,
      transportSocket: upstreamTls('', [`spiffe://${meshConfig.trustDomain}/${ACCOUNT}`], 'http2'),
    })
    return { name: RATE_LIMIT_CLUSTER, message, origins: [] }
  })
}
