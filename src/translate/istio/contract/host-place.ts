// Hosts, with what is wrong with them said at their place.
import type { FieldPlace, ProblemSink } from '../../document/problem-sink.ts'
import { hostFault, wildcardsOf } from '../../host/host-name.ts'

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
  const earlier = new Map<string, string>()
  /** Every wildcard that would hold one of the earlier hosts. */
  const held = new Map<string, string>()
  for (const { value, place } of hosts) {
    const host = value.toLowerCase()
    const wildcards = [...wildcardsOf(host)]
    const other = [host, ...wildcards].map(name => earlier.get(name)).find(name => name !== undefined) ?? held.get(host)
    if (other !== undefined) sink.contradiction(place, `the hosts "${other}" and "${value}" overlap`)
    if (!earlier.has(host)) earlier.set(host, value)
    for (const wildcard of wildcards) if (!held.has(wildcard)) held.set(wildcard, value)
  }
}
