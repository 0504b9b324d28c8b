// Where something is sent to: host, subset and port.
import type { Destination } from '../../../model/destination.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { checkHost } from './host-place.ts'

export function readTarget(reader: ObjectReader): Destination {
  const host = reader.requiredString('host')
  // The host of a wildcard ServiceEntry is a destination too; the bare `*` is none (Istio: validateDestination).
  if (host !== '') checkHost(host, reader.place('host'), reader.sink, host !== '*')
  const subset = reader.string('subset') ?? ''
  const portReader = reader.object('port')
  const port = portReader?.integer('number', 1, 65_535)
  if (portReader && port === undefined && !portReader.has('number')) portReader.missing('number')
  portReader?.done()
  reader.done()
  return { host, subset, ...(port === undefined ? {} : { port }) }
}
