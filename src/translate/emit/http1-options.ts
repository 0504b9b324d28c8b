// How HTTP/1 is written, wherever the mesh says so for all of its proxies.
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { MeshConfig } from '../../model/mesh-config.ts'
import { packAny } from '../../xds/any-pack.ts'
import {
  type Http1ProtocolOptions,
  Http1ProtocolOptions_HeaderKeyFormatSchema,
  Http1ProtocolOptionsSchema,
} from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import { PreserveCaseFormatterConfigSchema } from '../../xds/generated/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.ts'

export function http1Options(
  { defaultConfig: { proxyHeaders } }: MeshConfig,
  options: MessageInitShape<typeof Http1ProtocolOptionsSchema>,
): Http1ProtocolOptions {
  const made = create(Http1ProtocolOptionsSchema, options)
  if (proxyHeaders.preserveHttp1HeaderCase) made.headerKeyFormat = PRESERVE_CASE
  return made
}

const PRESERVE_CASE = create(Http1ProtocolOptions_HeaderKeyFormatSchema, {
  headerFormat: {
    case: 'statefulFormatter',
    value: {
      name: 'preserve_case',
      typedConfig: packAny(PreserveCaseFormatterConfigSchema, create(PreserveCaseFormatterConfigSchema)),
    },
  },
})
