// Envoy's command operators (%PROTOCOL%) in values of headers and in formats of access logs: a proxy refuses all of a route
// configuration or listener for one that it does not know, so they are looked at before.
import { OPERATOR_NAMES, OPERATOR_SYNTAX, REFUSED_OPERATORS } from '../../../xds/command-operator-table.ts'
import { nearestName } from '../../document/nearest-name.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'

/** A percent sign of its own is written twice. */
const COMMAND = /%(?:%|([A-Z][A-Z0-9_]*)(?:\(([^)]*)\))?(?::\d{1,6})?%)/g
/** Of a field, or of another in its place. */
const FIELDS = new Set(['REQ', 'RESP', 'TRAILER', 'REQ_WITHOUT_QUERY', 'STREAM_INFO_REQ'])
const FIELD = /^[^?]+(?:\?[^?]+)?$/
const METADATA = /^[^:]+(?::[^:]+)*$/

export function checkOperators(text: string, use: 'header' | 'log', place: FieldPlace, sink: ProblemSink): void {
  if (text.replaceAll(COMMAND, '').includes('%'))
    sink.badValue(place, 'the value holds a percent sign that starts no command', 'write %% for a percent sign')
  for (const [, name, argument] of text.matchAll(COMMAND)) {
    if (name !== undefined) checkOperator(name, argument, use, place, sink)
  }
}

function checkOperator(
  name: string,
  argument: string | undefined,
  use: 'header' | 'log',
  place: FieldPlace,
  sink: ProblemSink,
): void {
  const syntax = OPERATOR_SYNTAX.get(name)
  if (syntax === undefined) {
    const near = nearestName(name, OPERATOR_NAMES)
    const why = Object.hasOwn(REFUSED_OPERATORS, name) ? REFUSED_OPERATORS[name] : near && `did you mean "${near}"?`
    sink.unsupported(place, `the command operator %${name.slice(0, 80)}%`, why)
  } else if (FIELDS.has(name) && !FIELD.test(argument ?? ''))
    sink.badValue(place, `%${name}% needs the name of a header`, `write for example %${name}(x-request-id)%`)
  else if (name === 'DYNAMIC_METADATA' && !METADATA.test(argument ?? ''))
    sink.badValue(place, `%${name}% needs a namespace and a key`, `write for example %${name}(envoy.common:key)%`)
  else if (syntax.argument === 'required' && !argument) sink.badValue(place, `%${name}% needs something in parentheses`)
  else if (syntax.argument === 'none' && argument !== undefined) sink.badValue(place, `%${name}% takes no argument`)
  else if (syntax.logOnly && use === 'header')
    sink.badValue(place, `%${name}% is for access logs only: what it tells is known when a stream ends`)
}
