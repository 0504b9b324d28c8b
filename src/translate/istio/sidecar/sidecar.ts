// Istio's Sidecar (networking.istio.io).
import type { OutboundTrafficPolicy, Sidecar } from '../../../model/sidecar.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { readSelector } from '../../document/label-rules.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readConnectionPool } from '../contract/connection-pool.ts'
import { readTarget } from '../contract/destination.ts'
import { readEgress } from './egress.ts'
import { readIngress } from './ingress.ts'

export const SIDECAR: KindDefinition<'Sidecar'> = {
  kind: 'Sidecar',
  apiVersions: ['networking.istio.io/v1', 'networking.istio.io/v1beta1', 'networking.istio.io/v1alpha3'],
  parseSpec,
}

const PARTS = ['egress', 'ingress', 'inboundConnectionPool', 'outboundTrafficPolicy']

function parseSpec(spec: ObjectReader): Sidecar {
  const workloadSelector = readSelector(spec, 'workloadSelector', 'labels')
  const ingress = readIngress(spec)
  const pool = spec.object('inboundConnectionPool')
  const inboundConnectionPool = pool ? readConnectionPool(pool) : null
  const egress = readEgress(spec)
  const policy = spec.object('outboundTrafficPolicy')
  const outboundTrafficPolicy = policy ? readOutboundTrafficPolicy(policy) : null
  if (egress.length + ingress.length === 0 && !policy && !pool)
    spec.sink.error('WEFT-1006', spec, `a Sidecar needs one of ${PARTS.join(', ')}`)
  spec.done()
  return {
    workloadSelector,
    egress: egress.length === 0 ? null : egress,
    ingress,
    inboundConnectionPool,
    outboundTrafficPolicy,
  }
}

function readOutboundTrafficPolicy(policy: ObjectReader): OutboundTrafficPolicy {
  // The zero value; without the block it is the mesh's.
  const mode = policy.enumeration('mode', ['REGISTRY_ONLY', 'ALLOW_ANY']) ?? 'REGISTRY_ONLY'
  const proxy = policy.object('egressProxy')
  const egressProxy = proxy ? readTarget(proxy) : null
  if (proxy && mode !== 'ALLOW_ANY')
    policy.sink.contradiction(policy.place('egressProxy'), 'egressProxy goes with mode ALLOW_ANY')
  if (egressProxy && egressProxy.host !== '' && !egressProxy.host.includes('.'))
    policy.sink.badValue(proxy!.place('host'), `"${egressProxy.host}" is not fully qualified`)
  if (proxy && !proxy.has('port')) proxy.missing('port')
  policy.done()
  return { mode, egressProxy }
}
