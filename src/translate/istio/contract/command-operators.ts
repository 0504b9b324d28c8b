// Envoy's command operators (%PROTOCOL%) in values of headers and in formats of access logs: a proxy refuses all of a route
// configuration or listener for one that it does not know, so they are looked at before.
import { nearestName } from '../../document/nearest-name.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'

/** A percent sign of its own is written twice. */
const COMMAND = /%(?:%|([A-Z][A-Z0-9_]*)(\([^)]*\))?(?::\d{1,6})?%)/g
const WITH_ARGUMENT = ['REQ', 'RESP', 'REQ_WITHOUT_QUERY']
const PLAIN = [
  'PROTOCOL',
  'RESPONSE_CODE',
  'RESPONSE_CODE_DETAILS',
  'CONNECTION_TERMINATION_DETAILS',
  'RESPONSE_FLAGS',
  'BYTES_RECEIVED',
  'BYTES_SENT',
  'DURATION',
  'UPSTREAM_HOST',
  'UPSTREAM_CLUSTER',
  'UPSTREAM_CLUSTER_RAW',
  'UPSTREAM_LOCAL_ADDRESS',
  'UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT',
  'UPSTREAM_LOCAL_PORT',
  'UPSTREAM_REMOTE_ADDRESS',
  'UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'UPSTREAM_REMOTE_PORT',
  'UPSTREAM_REQUEST_ATTEMPT_COUNT',
  'UPSTREAM_TRANSPORT_FAILURE_REASON',
  'DOWNSTREAM_LOCAL_ADDRESS',
  'DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_LOCAL_PORT',
  'DOWNSTREAM_REMOTE_ADDRESS',
  'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_REMOTE_PORT',
  'DOWNSTREAM_DIRECT_REMOTE_ADDRESS',
  'DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_DIRECT_REMOTE_PORT',
  'DOWNSTREAM_PEER_URI_SAN',
  'DOWNSTREAM_PEER_DNS_SAN',
  'DOWNSTREAM_PEER_SUBJECT',
  'DOWNSTREAM_PEER_FINGERPRINT_256',
  'DOWNSTREAM_LOCAL_URI_SAN',
  'REQUESTED_SERVER_NAME',
  'ROUTE_NAME',
  'CONNECTION_ID',
  'HOSTNAME',
]
const EITHER = ['START_TIME']
const METADATA = ['DYNAMIC_METADATA']
/** Those that the data plane knows; a test holds the two lists together. */
export const COMMAND_OPERATORS: readonly string[] = [...PLAIN, ...WITH_ARGUMENT, ...EITHER, ...METADATA]

export function checkOperators(text: string, place: FieldPlace, sink: ProblemSink): void {
  if (text.replaceAll(COMMAND, '').includes('%'))
    sink.badValue(place, 'the value holds a percent sign that starts no command', 'write %% for a percent sign')
  for (const [, name, argument] of text.matchAll(COMMAND)) {
    if (name === undefined) continue
    const near = nearestName(name, COMMAND_OPERATORS)
    if (!COMMAND_OPERATORS.includes(name))
      sink.unsupported(place, `the command operator %${name.slice(0, 80)}%`, near && `did you mean "${near}"?`)
    else if (WITH_ARGUMENT.includes(name) && !/^\([^?]+(?:\?[^?]+)?\)$/.test(argument ?? ''))
      sink.badValue(place, `%${name}% needs the name of a header`, `write for example %${name}(x-request-id)%`)
    else if (METADATA.includes(name) && !/^\([^:]+:[^:]+\)$/.test(argument ?? ''))
      sink.badValue(place, `%${name}% needs a namespace and a key`, `write for example %${name}(envoy.common:key)%`)
    else if (argument !== undefined && PLAIN.includes(name)) sink.badValue(place, `%${name}% takes no argument`)
  }
}
