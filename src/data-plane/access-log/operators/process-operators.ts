// What is the same for every stream of the process, and what is the same for none.
import { hostname } from 'node:os'
import { toByteString } from '../../../automata/regex.ts'
import { systemRandom } from '../../../base/random.ts'
import { UuidSource } from '../../../base/uuid-source.ts'
import { ACCESS_LOG_TYPE } from '../../access-log-type.ts'
import type { StreamInfo } from '../../stream-info.ts'
import type { CompiledOperator, Operator } from './operator.ts'

/** Unlike what balancing draws, it is not to be the same in another run. */
const uuids = new UuidSource(systemRandom)
const HOSTNAME = toByteString(hostname())

export const PROCESS_OPERATORS: Readonly<Record<string, Operator>> = {
  HOSTNAME: () => HOSTNAME,
  UNIQUE_ID: () => uuids.next(),
  STREAM_ID: streamId,
}

/** Of a request its id; a TCP connection gets one when it is first asked for. */
function streamId(info: StreamInfo): string | null {
  // A try has none (Envoy).
  if (info.logType === ACCESS_LOG_TYPE.upstreamEnd) return null
  if (info.protocol !== '') return info.requestId
  if (info.streamId === '') info.streamId = uuids.next()
  return info.streamId
}

/** Read once; `-` where it is not set, in JSON too (Envoy). */
export function compileEnvironment(argument: string | null): CompiledOperator {
  const name = argument ?? ''
  if (name === '') return { fault: '%ENVIRONMENT(...)% needs the name of a variable' }
  const value = toByteString(process.env[name] ?? '-')
  return { run: () => value }
}
