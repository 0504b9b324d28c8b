// What a Weft proxy is told of a cluster beyond Envoy's fields; an Envoy passes it over.
import { create, type JsonObject } from '@bufbuild/protobuf'
import type { Cluster } from '../../xds/generated/envoy/config/cluster/v3/cluster_pb.ts'
import { MetadataSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'

const KEY = 'weft.dev'

export function addWeftMetadata(cluster: Cluster, fields: JsonObject): void {
  cluster.metadata ??= create(MetadataSchema)
  const { filterMetadata } = cluster.metadata
  filterMetadata[KEY] = { ...filterMetadata[KEY], ...fields }
}
