// Envoy's Http1ProtocolOptions as far as listeners and clusters share them.
import type { HeaderCase } from '../../transport/http1/header-case.ts'
import { unpackAny } from '../../xds/any-pack.ts'
import {
  Http1ProtocolOptions_HeaderKeyFormatSchema as HeaderKeyFormatSchema,
  type Http1ProtocolOptions,
} from '../../xds/generated/envoy/config/core/v3/protocol_pb.ts'
import {
  PreserveCaseFormatterConfig_FormatterTypeOnEnvoyHeaders as OwnHeaders,
  PreserveCaseFormatterConfigSchema,
} from '../../xds/generated/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

const FORMATS = new Set(['proper_case_words', 'stateful_formatter'])

export function readHeaderCase(
  options: Http1ProtocolOptions | undefined,
  path: string,
  check: ResourceCheck,
): HeaderCase {
  const format = options?.headerKeyFormat
  if (format === undefined) return 'lower'
  const at = `${path}.header_key_format`
  check.honour(HeaderKeyFormatSchema, format, at, FORMATS)
  if (format.headerFormat.case !== 'statefulFormatter') return 'proper'
  const { name, typedConfig } = format.headerFormat.value
  const message = unpackAny(typedConfig, PreserveCaseFormatterConfigSchema)
  if (message === null) {
    check.unsupported(`${at}.stateful_formatter`, `header formatter ${name} is not supported`)
    return 'lower'
  }
  const honoured = new Set(['formatter_type_on_envoy_headers'])
  check.honour(PreserveCaseFormatterConfigSchema, message, `${at}.stateful_formatter.typed_config`, honoured)
  return message.formatterTypeOnEnvoyHeaders === OwnHeaders.PROPER_CASE ? 'preserve-or-proper' : 'preserve'
}

export function keepsSpelling(headerCase: HeaderCase): boolean {
  return headerCase === 'preserve' || headerCase === 'preserve-or-proper'
}
