// TLS to services whose names nobody spells out.

import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { DestinationRule } from '../../model/destination-rule.ts'
import type { ClientTls } from '../../model/traffic-policy.ts'
import { isWildcard } from '../host/host-name.ts'
import type { Findings } from './findings.ts'
import { isUnresolved, type MeshService } from './mesh-service.ts'

/** `services`: of the rule's host. Most servers of several names want to be told which is meant. */
export function checkClientTls(
  object: ConfigObjectOf<'DestinationRule'>,
  services: readonly MeshService[],
  findings: Findings,
): void {
  const isNameless = ({ mode, sni }: ClientTls): boolean => (mode === 'SIMPLE' || mode === 'MUTUAL') && !sni
  const nameless = services.find(service => isWildcard(service.host) && !isUnresolved(service))
  if (!nameless || !tlsOf(object.spec).some(isNameless)) return
  const message = `no server name is sent to the service "${nameless.host}": it has none of its own`
  findings.add('WEFT-1012', object, 'spec.trafficPolicy', object.spec.hostPosition, message, 'set tls.sni')
}

function tlsOf({ trafficPolicy, subsets }: DestinationRule): readonly ClientTls[] {
  const policies = [trafficPolicy, ...subsets.map(subset => subset.trafficPolicy)].flatMap(policy => policy ?? [])
  return policies.flatMap(policy => [policy, ...policy.portLevelSettings]).flatMap(({ tls }) => tls ?? [])
}
