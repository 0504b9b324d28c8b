// The fields of a WorkloadEntry: as an object of its own, and inline as an endpoint of a ServiceEntry.
import { type Locality, NO_LOCALITY } from '../../../model/locality.ts'
import type { WorkloadEntry } from '../../../model/workload-entry.ts'
import type { WorkloadTemplate } from '../../../model/workload-group.ts'
import { isDnsLabel, readLabels } from '../../document/label-rules.ts'
import { integerOf, type ObjectReader, recordOf } from '../../document/object-reader.ts'
import { hostFault } from '../../host/host-name.ts'
import { isIpAddress } from '../../host/ip-address.ts'

export function readWorkloadEntry(reader: ObjectReader): WorkloadEntry {
  const { sink } = reader
  const address = reader.string('address') ?? ''
  if (address.startsWith('unix://')) sink.unsupported(reader.place('address'), 'a Unix domain socket as address')
  else if (address !== '' && !isIpAddress(address) && hostFault(address, false) !== null)
    sink.badValue(reader.place('address'), `"${address.slice(0, 80)}" is neither an address nor a DNS name`)
  // In Istio the gateway of its network would stand in for one that has none; here networks have no gateways.
  if (address === '') reader.missing('address')
  const entry = { address: address.toLowerCase(), ...readWorkloadTemplate(reader) }
  reader.done()
  return entry
}

/** All but where it is. */
export function readWorkloadTemplate(reader: ObjectReader): WorkloadTemplate {
  const { sink } = reader
  const ports: [string, number][] = []
  for (const [name, value] of reader.entries('ports')) {
    if (!isDnsLabel(name.toLowerCase())) sink.badValue(value, `"${name.slice(0, 80)}" is not a port name`)
    const number = integerOf(value, 1, 65_535, sink)
    if (number !== undefined) ports.push([name, number])
  }
  return {
    ports: recordOf(ports),
    labels: readLabels(reader, 'labels'),
    network: reader.string('network') ?? '',
    locality: readLocality(reader),
    weight: reader.integer('weight', 0, 0xffff_ffff) || 1,
    serviceAccount: reader.string('serviceAccount') ?? '',
    position: reader.position,
  }
}

function readLocality(reader: ObjectReader): Locality {
  const text = reader.string('locality')
  if (!text) return NO_LOCALITY
  const [region, zone, subZone, ...rest] = text.split('/')
  if (rest.length > 0 || !region || (subZone && !zone))
    reader.sink.badValue(reader.place('locality'), `"${text.slice(0, 80)}" is not region/zone/subzone`)
  return { region: region ?? '', zone: zone ?? '', subZone: subZone ?? '' }
}
