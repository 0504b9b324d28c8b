// TcpKeepalive: of a DestinationRule's connection pool and of MeshConfig.
import type { TcpKeepalive } from '../../../model/upstream-policy.ts'
import type { ObjectReader } from '../../document/object-reader.ts'

const MAX_UINT32 = 0xffff_ffff

export function readTcpKeepalive(reader: ObjectReader): TcpKeepalive {
  const probes = reader.integer('probes', 0, MAX_UINT32)
  const time = reader.duration('time', 1000)
  const interval = reader.duration('interval', 1000)
  reader.done()
  // In Istio 0 probes stand for unset, and fractions of a second are dropped.
  return { probes: probes || undefined, time: seconds(time), interval: seconds(interval) }
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000)
}
