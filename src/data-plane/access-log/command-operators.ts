// Envoy's command operators (configuration/observability/access_log/usage), each compiled to a function of the stream.
// Access logs and header mutations share them.
import { toByteString } from '../../automata/regex.ts'
import { OPERATOR_SYNTAX, REFUSED_OPERATORS } from '../../xds/command-operator-table.ts'
import { type Command, parseFormat } from './command-parser.ts'
import { jsonBytes } from './json-text.ts'
import { ADDRESS_OPERATORS } from './operators/address-operators.ts'
import { compileCommonDuration, DURATION_OPERATORS } from './operators/duration-operators.ts'
import { compileGrpcStatus, grpcStatusNumber } from './operators/grpc-operators.ts'
import { HEADER_OPERATORS, HEADER_SIZES } from './operators/header-operators.ts'
import { METADATA_OPERATORS } from './operators/metadata-operators.ts'
import type { CompiledOperator, Operator, OperatorFactory } from './operators/operator.ts'
import { compileEnvironment, PROCESS_OPERATORS } from './operators/process-operators.ts'
import { compileDetails, STREAM_OPERATORS } from './operators/stream-operators.ts'
import { TIME_OPERATORS } from './operators/time-operators.ts'
import { TLS_OPERATORS } from './operators/tls-operators.ts'

export type CompiledPart = string | Operator

export type CompiledFormat =
  | {
      readonly parts: readonly CompiledPart[]
      /** It tells what is kept for access logs alone (`StreamInfo.record`). */
      readonly needsRecord: boolean
    }
  | { readonly fault: string }

const PLAIN: Readonly<Record<string, Operator>> = {
  ...STREAM_OPERATORS,
  ...ADDRESS_OPERATORS,
  ...TLS_OPERATORS,
  ...DURATION_OPERATORS,
  ...HEADER_SIZES,
  ...PROCESS_OPERATORS,
  GRPC_STATUS_NUMBER: grpcStatusNumber,
}

const WITH_ARGUMENT: Readonly<Record<string, OperatorFactory>> = {
  ...HEADER_OPERATORS,
  ...TIME_OPERATORS,
  ...METADATA_OPERATORS,
  COMMON_DURATION: compileCommonDuration,
  RESPONSE_CODE_DETAILS: compileDetails,
  GRPC_STATUS: compileGrpcStatus,
  ENVIRONMENT: compileEnvironment,
  COALESCE: compileCoalesce,
}

/** Literals and operators in order, or the first fault. */
export function compileFormat(format: string): CompiledFormat {
  const parsed = parseFormat(format)
  if ('fault' in parsed) return parsed
  const parts: CompiledPart[] = []
  let needsRecord = false
  for (const part of parsed.parts) {
    if (typeof part === 'string') {
      parts.push(toByteString(part))
      continue
    }
    const operator = compileCommand(part)
    if ('fault' in operator) return operator
    needsRecord ||= isLogOnly(part)
    parts.push(operator.run)
  }
  return { parts, needsRecord }
}

/** For values of headers: what only access logs are told is a fault. */
export function compileHeaderFormat(format: string): CompiledFormat {
  const compiled = compileFormat(format)
  if ('fault' in compiled || !compiled.needsRecord) return compiled
  return { fault: 'times of a stream and what it has tried are for access logs only' }
}

function isLogOnly({ name, argument }: Command): boolean {
  if (name !== 'COALESCE') return OPERATOR_SYNTAX.get(name)!.logOnly
  const read = readCoalesce(argument)
  return !('fault' in read) && read.some(isLogOnly)
}

function compileCommand(command: Command): CompiledOperator {
  const compiled = compileUncut(command)
  if ('fault' in compiled || command.maxLength < 0) return compiled
  const { run } = compiled
  const limit = command.maxLength
  return {
    run(info) {
      const value = run(info)
      return value === null ? null : textOf(value).slice(0, limit)
    },
  }
}

function compileUncut({ name, argument }: Command): CompiledOperator {
  const syntax = OPERATOR_SYNTAX.get(name)
  if (syntax === undefined) {
    const why = Object.hasOwn(REFUSED_OPERATORS, name) ? REFUSED_OPERATORS[name] : null
    return { fault: why ? `%${name}%: ${why}` : `%${name}% is not known` }
  }
  if (syntax.argument === 'none')
    return argument === null ? { run: PLAIN[name]! } : { fault: `%${name}% takes no argument` }
  return WITH_ARGUMENT[name]!(argument, name)
}

/** What text formats and headers have for a value; null is for the caller. */
export function textOf(value: Exclude<ReturnType<Operator>, null>): string {
  return typeof value === 'string' ? value : typeof value === 'object' ? jsonBytes(value) : String(value)
}

/** The first of several operators that has anything to say. */
function compileCoalesce(argument: string | null): CompiledOperator {
  const commands = readCoalesce(argument)
  if ('fault' in commands) return commands
  const operators: Operator[] = []
  for (const command of commands) {
    const operator = compileCommand(command)
    if ('fault' in operator) return operator
    operators.push(operator.run)
  }
  return {
    run(info) {
      for (let i = 0; i < operators.length; i++) {
        const value = operators[i]!(info)
        if (value !== null && value !== '') return value
      }
      return null
    },
  }
}

const COALESCE_FAULT = {
  fault: '%COALESCE(...)% needs JSON: {"operators": ["NAME", {"command": "NAME", "param": "...", "max_length": 1}]}',
}

function readCoalesce(argument: string | null): readonly Command[] | { readonly fault: string } {
  let operators: unknown
  try {
    operators = (JSON.parse(argument ?? '') as { readonly operators?: unknown } | null)?.operators
  } catch {
    return COALESCE_FAULT
  }
  if (!Array.isArray(operators) || operators.length === 0) return COALESCE_FAULT
  const commands = operators.map(readCoalesced)
  return commands.every(command => command !== null) ? commands : COALESCE_FAULT
}

function readCoalesced(entry: unknown): Command | null {
  if (typeof entry === 'string') return { name: entry, argument: null, maxLength: -1 }
  if (typeof entry !== 'object' || entry === null) return null
  const { command, param, max_length: limit = -1 } = entry as Record<string, unknown>
  const isArgument = param === undefined || typeof param === 'string'
  const isLimit = limit === -1 || (typeof limit === 'number' && Number.isInteger(limit) && limit > 0)
  if (typeof command !== 'string' || !isArgument || !isLimit) return null
  return { name: command, argument: param === undefined || param === '' ? null : param, maxLength: limit }
}
