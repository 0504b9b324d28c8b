// Istio's PeerAuthentication (security.istio.io).
import type { MutualTlsSetting, PeerAuthentication } from '../../../model/peer-authentication.ts'
import type { KindDefinition } from '../../document/kind-definition.ts'
import { readSelector } from '../../document/label-rules.ts'
import { type ObjectReader, objectOf, recordOf } from '../../document/object-reader.ts'

export const PEER_AUTHENTICATION: KindDefinition<'PeerAuthentication'> = {
  kind: 'PeerAuthentication',
  apiVersions: ['security.istio.io/v1', 'security.istio.io/v1beta1'],
  parseSpec,
}

function parseSpec(spec: ObjectReader): PeerAuthentication {
  const selector = readSelector(spec, 'selector', 'matchLabels')
  const mtls = spec.object('mtls')
  const mode = (mtls && readMode(mtls)) ?? 'UNSET'
  const portLevel: [string, MutualTlsSetting][] = []
  const ports = spec.entries('portLevelMtls')
  if (spec.has('portLevelMtls')) {
    if (ports.length === 0) spec.sink.error('WEFT-1006', spec.place('portLevelMtls'), 'portLevelMtls names no port')
    if (!selector || Object.keys(selector).length === 0)
      spec.sink.contradiction(spec.place('portLevelMtls'), 'portLevelMtls needs a selector with labels')
  }
  for (const [port, value] of ports) {
    const number = Number(port)
    if (!/^\d{1,5}$/.test(port) || number < 1 || number > 65_535)
      spec.sink.badValue(value, `"${port.slice(0, 20)}" is not a port number`)
    const reader = objectOf(value, spec.sink)
    if (reader) portLevel.push([String(number), readMode(reader) ?? 'UNSET'])
  }
  spec.done()
  return { selector, mode, portLevel: recordOf(portLevel) }
}

function readMode(reader: ObjectReader): MutualTlsSetting | undefined {
  const mode = reader.enumeration('mode', ['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'])
  reader.done()
  return mode
}
