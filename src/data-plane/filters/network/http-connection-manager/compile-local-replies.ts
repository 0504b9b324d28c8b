// The connection manager's local_reply_config, compiled.
import { toByteString } from '../../../../automata/regex.ts'
import type { Random } from '../../../../base/random.ts'
import type { SubstitutionFormatString } from '../../../../xds/generated/envoy/config/core/v3/substitution_format_string_pb.ts'
import {
  type LocalReplyConfig,
  LocalReplyConfigSchema,
  type ResponseMapper as ResponseMapperMessage,
  ResponseMapperSchema,
} from '../../../../xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { inlineData } from '../../../../xds/inline-data.ts'
import type { ResourceCheck } from '../../../../xds/resource-check.ts'
import { compileLogFilter } from '../../../access-log/compile-log-filter.ts'
import { compileFormatString } from '../../../access-log/format-string.ts'
import {
  type BodyFormat,
  JSON_TYPE,
  LocalReplyMapping,
  type ResponseMapper,
  TEXT,
} from '../../../http/local-reply-mapping.ts'
import { hasControl } from '../../../route/control-character.ts'
import { compileLevel, createMutations } from '../../../route/header-mutator.ts'

const FIELDS = new Set(['mappers', 'body_format'])
const MAPPER_FIELDS = new Set(['filter', 'status_code', 'body', 'body_format_override', 'headers_to_add'])

/** Null: replies stay as they are. */
export function compileLocalReplies(
  message: LocalReplyConfig | undefined,
  path: string,
  random: Random,
  check: ResourceCheck,
): LocalReplyMapping | null {
  if (message === undefined) return null
  check.honour(LocalReplyConfigSchema, message, path, FIELDS)
  const compiler = new Compiler(random, check)
  const mappers = message.mappers.map((mapper, i) => compiler.mapper(mapper, `${path}.mappers[${i}]`))
  const format = compiler.format(message.bodyFormat, `${path}.body_format`)
  return mappers.length === 0 && format === null ? null : new LocalReplyMapping(mappers, format, compiler.needsRecord)
}

class Compiler {
  needsRecord = false
  readonly #random: Random
  readonly #check: ResourceCheck

  constructor(random: Random, check: ResourceCheck) {
    this.#random = random
    this.#check = check
  }

  mapper(message: ResponseMapperMessage, path: string): ResponseMapper {
    const check = this.#check
    check.honour(ResponseMapperSchema, message, path, MAPPER_FIELDS)
    const { filter, statusCode: status = null } = message
    if (filter === undefined) check.error(`${path}.filter`, 'is required')
    if (status !== null && (status < 200 || status > 599)) check.error(`${path}.status_code`, 'must be from 200 to 599')
    if (message.body?.specifier.case === undefined && message.body) check.error(`${path}.body`, 'is empty')
    const level = compileLevel(message.headersToAdd, [], `${path}.`, 'headers', check)
    return {
      filter: filter === undefined ? NOBODY : compileLogFilter(filter, `${path}.filter`, this.#random, check),
      status,
      body: inlineData(message.body, `${path}.body`, check)?.toString('latin1') ?? null,
      headers: createMutations([level]),
      format: this.format(message.bodyFormatOverride, `${path}.body_format_override`),
    }
  }

  format(message: SubstitutionFormatString | undefined, path: string): BodyFormat | null {
    if (message === undefined) return null
    const { line, needsRecord } = compileFormatString(message, path, false, this.#check)
    if (hasControl(message.contentType)) this.#check.error(`${path}.content_type`, 'must not hold control characters')
    this.needsRecord ||= needsRecord
    const usual = message.format.case === 'jsonFormat' ? JSON_TYPE : TEXT
    return { line, contentType: toByteString(message.contentType) || usual }
  }
}

const NOBODY = { admits: () => false }
