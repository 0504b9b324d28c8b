// Hosts, with what is wrong with them said at their place.
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'
import { hostFault, hostsOverlap } from '../../host/host-name.ts'

export interface PlacedHost {
  readonly value: string
  readonly place: FieldPlace
}

export function checkHost(host: string, place: FieldPlace, sink: ProblemSink, wildcards: boolean): void {
  const fault = hostFault(host, wildcards)
  if (fault !== null) sink.badValue(place, fault)
}

/** Istio refuses overlapping hosts in one object, wildcards included: `*.foo.com` and `a.foo.com`. */
export function checkOverlap(hosts: readonly PlacedHost[], sink: ProblemSink): void {
  // Bounded: an object with more hosts than this is refused before.
  for (const [index, host] of hosts.entries()) {
    const other = hosts
      .slice(0, index)
      .find(earlier => hostsOverlap(earlier.value.toLowerCase(), host.value.toLowerCase()))
    if (other) sink.contradiction(host.place, `the hosts "${other.value}" and "${host.value}" overlap`)
  }
}
