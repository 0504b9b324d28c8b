// Metadata by which istioctl and the console trace a resource to its config.
import { create, type JsonObject } from '@bufbuild/protobuf'
import { type Metadata, MetadataSchema } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'

export function istioMetadata(fields: JsonObject): Metadata {
  return create(MetadataSchema, { filterMetadata: { istio: fields } })
}
