// SubstitutionFormatString, compiled: the format of a log's lines, and of the bodies of local replies.
import { OPERATOR_NAMES } from '../../xds/command-operator-table.ts'
import {
  type SubstitutionFormatString,
  SubstitutionFormatStringSchema,
} from '../../xds/generated/envoy/config/core/v3/substitution_format_string_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import { type CompiledLine, compileJsonFormat, compileTextFormat, type LineFormat } from './log-format.ts'

export interface CompiledFormatString {
  readonly line: LineFormat
  /** It tells what is kept for access logs alone (`StreamInfo.record`). */
  readonly needsRecord: boolean
}

const FIELDS = new Set([
  'text_format',
  'json_format',
  'text_format_source',
  'omit_empty_values',
  'content_type',
  'formatters',
])
/** Built in here, an extension in Envoy. */
const REQ_WITHOUT_QUERY = /\.formatter\.req_without_query\.v3\.ReqWithoutQuery$/
const NO_LINE: CompiledFormatString = { line: () => {}, needsRecord: false }

/** `escapes`: what a peer chose may not end a line, or a quoted field. */
export function compileFormatString(
  message: SubstitutionFormatString,
  path: string,
  escapes: boolean,
  check: ResourceCheck,
): CompiledFormatString {
  checkFormatString(message, path, check)
  const { format, omitEmptyValues: omitEmpty } = message
  const compileText = (text: string, field: string): CompiledFormatString =>
    takeLine(compileTextFormat(text, omitEmpty, escapes), `${path}.${field}`, check)
  switch (format.case) {
    case 'jsonFormat':
      return takeLine(compileJsonFormat(format.value, omitEmpty), `${path}.json_format`, check)
    case 'textFormat':
      return compileText(format.value, 'text_format')
    case 'textFormatSource': {
      const { specifier } = format.value
      if (specifier.case === 'inlineString') return compileText(specifier.value, 'text_format_source')
      if (specifier.case === 'inlineBytes')
        return compileText(Buffer.from(specifier.value).toString('utf8'), 'text_format_source')
      const at = `${path}.text_format_source.${specifier.case ?? 'specifier'}`
      check.unsupported(at, 'only inline_string and inline_bytes are supported')
      return NO_LINE
    }
    default:
      check.error(path, 'needs a format')
      return NO_LINE
  }
}

/** All but the format itself. */
export function checkFormatString(message: SubstitutionFormatString, path: string, check: ResourceCheck): void {
  check.honour(SubstitutionFormatStringSchema, message, path, FIELDS)
  for (const [index, { name, typedConfig }] of message.formatters.entries()) {
    if (!REQ_WITHOUT_QUERY.test(typedConfig?.typeUrl ?? ''))
      check.unsupported(`${path}.formatters[${index}]`, `the formatter ${name} is not supported`)
  }
}

export function takeLine(compiled: CompiledLine, path: string, check: ResourceCheck): CompiledFormatString {
  if ('line' in compiled) return compiled
  for (const fault of compiled.faults) {
    const at = fault.path === '' ? path : `${path}.${fault.path}`
    check.error(at, fault.message, 'WEFT-4004', `there are ${OPERATOR_NAMES.join(', ')}`)
  }
  return NO_LINE
}
