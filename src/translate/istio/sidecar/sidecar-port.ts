// The port and address of a listener that a Sidecar names.
import type { SourcePosition } from '../../../base/problem.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { isIpAddress } from '../../host/ip-address.ts'

export interface SidecarPort<P extends string> {
  readonly number: number
  readonly protocol: P
  readonly name: string
  readonly position: SourcePosition
}

/** The protocol is not guessed: what is said to be HTTP is read as HTTP. */
export function readSidecarPort<P extends string>(reader: ObjectReader, protocols: readonly P[]): SidecarPort<P> {
  const number = reader.integer('number', 1, 65_535)
  if (!reader.has('number')) reader.missing('number')
  const protocol = reader.enumeration('protocol', protocols)
  if (!reader.has('protocol')) reader.missing('protocol')
  const name = reader.string('name') ?? ''
  if (reader.has('targetPort'))
    reader.sink.contradiction(reader.place('targetPort'), 'targetPort has no place in a Sidecar')
  reader.done()
  return { number: number ?? 0, protocol: protocol ?? protocols[0]!, name, position: reader.position }
}

/** Empty: where the sidecar listens anyway. */
export function readBind(reader: ObjectReader): string {
  const bind = reader.string('bind') ?? ''
  if (bind.startsWith('unix://')) reader.sink.unsupported(reader.place('bind'), 'listening on a Unix domain socket')
  else if (bind !== '' && !isIpAddress(bind))
    reader.sink.badValue(reader.place('bind'), `"${bind.slice(0, 80)}" is not an address`)
  return bind
}
