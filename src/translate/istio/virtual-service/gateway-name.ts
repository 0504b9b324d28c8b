// References to gateways: `mesh`, `name`, `./name` or `namespace/name`.
import { isDnsLabel, isDnsSubdomain } from '../../document/label-rules.ts'
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'

export function checkGatewayName(reference: string, place: FieldPlace, sink: ProblemSink): void {
  const parts = reference.split('/')
  const [namespace, name] = parts.length === 1 ? ['.', parts[0]!] : [parts[0]!, parts[1]!]
  const good = parts.length <= 2 && isDnsSubdomain(name) && (namespace === '.' || isDnsLabel(namespace))
  if (!good) sink.badValue(place, `"${reference.slice(0, 80)}" is not a gateway`, 'write NAME or NAMESPACE/NAME')
}
