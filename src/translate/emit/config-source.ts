// Where a proxy gets the rest: the same ADS stream, or the secret service beside it.
import { create } from '@bufbuild/protobuf'
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSource,
  ConfigSourceSchema,
} from '../../xds/generated/envoy/config/core/v3/config_source_pb.ts'
import {
  type SdsSecretConfig,
  SdsSecretConfigSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'

/** An initial fetch timeout of 0 makes Envoy wait: without it, it would serve before it knows. */
export function adsSource(): ConfigSource {
  return create(ConfigSourceSchema, {
    configSourceSpecifier: { case: 'ads', value: {} },
    initialFetchTimeout: { seconds: 0n },
    resourceApiVersion: ApiVersion.V3,
  })
}

/** A secret from the agent's static cluster `sds-grpc`, as in Istio; a Weft proxy answers it from its own identity. */
export function sdsSecret(name: string): SdsSecretConfig {
  return create(SdsSecretConfigSchema, {
    name,
    sdsConfig: {
      configSourceSpecifier: {
        case: 'apiConfigSource',
        value: {
          apiType: ApiConfigSource_ApiType.GRPC,
          transportApiVersion: ApiVersion.V3,
          grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: 'sds-grpc' } } }],
          setNodeOnFirstMessageOnly: true,
        },
      },
      initialFetchTimeout: { seconds: 0n },
      resourceApiVersion: ApiVersion.V3,
    },
  })
}
