// Which protocol a port speaks, as Istio reads it: appProtocol beats the prefix of the port's name.
import { PORT_PROTOCOLS, type PortProtocol } from '../../model/port-protocol.ts'
import type { RegistryServicePort } from '../../model/registry-service.ts'

const APP_PROTOCOLS: Readonly<Record<string, PortProtocol>> = {
  'kubernetes.io/h2c': 'HTTP2',
  'kubernetes.io/ws': 'HTTP',
  'kubernetes.io/wss': 'HTTPS',
  websocket: 'HTTP',
}
/** Ports of protocols in which the server speaks first: sniffing would hang, so Istio takes them for TCP. */
const SERVER_FIRST_PORTS = [25, 53, 3306, 27017]

/** A name with any other prefix, as an unknown appProtocol, says nothing. */
export function portProtocol(name: string, appProtocol: string | undefined, port: number): PortProtocol {
  const declared = appProtocol?.toLowerCase()
  const fromApp = declared === undefined ? undefined : (APP_PROTOCOLS[declared] ?? namedProtocol(declared))
  return fromApp ?? protocolOfName(name) ?? (SERVER_FIRST_PORTS.includes(port) ? 'TCP' : 'UNDECLARED')
}

/** In the registry HTTP where neither the protocol nor the name says: whoever registers a service by hand means that. */
export function registeredProtocol({ name, number, protocol }: RegistryServicePort): PortProtocol {
  const known = portProtocol(name, protocol, number)
  return known === 'UNDECLARED' ? 'HTTP' : known
}

/** By a whole word in any case, as ServiceEntry and Gateway write it. */
export function namedProtocol(word: string): PortProtocol | undefined {
  const upper = word.toUpperCase()
  return PORT_PROTOCOLS.find(protocol => protocol === upper)
}

function protocolOfName(name: string): PortProtocol | undefined {
  const lower = name.toLowerCase()
  if (lower === 'grpc-web' || lower.startsWith('grpc-web-')) return 'GRPC-WEB'
  return namedProtocol(lower.split('-')[0]!)
}
