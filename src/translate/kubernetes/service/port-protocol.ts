// Which protocol a port speaks, as Istio reads it: appProtocol beats the prefix of the port's name.

/** Prefixes that Istio knows; a name with any other prefix says nothing. */
const PROTOCOLS = ['http', 'http2', 'https', 'tls', 'tcp', 'grpc', 'grpc-web', 'mongo', 'redis', 'mysql', 'udp']
const APP_PROTOCOLS: Readonly<Record<string, string>> = {
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'websocket',
  'kubernetes.io/wss': 'https',
}
/** Ports of protocols in which the server speaks first: sniffing would hang, so Istio takes them for TCP. */
const SERVER_FIRST_PORTS = [25, 53, 3306, 27017]

/** What it is that Weft does not proxy yet, or null when the port is HTTP or undeclared (then taken for HTTP). */
export function protocolFault(name: string, appProtocol: string | undefined, port: number): string | null {
  const declared = appProtocol?.toLowerCase()
  const fromApp = declared === undefined ? undefined : (APP_PROTOCOLS[declared] ?? declared)
  const protocol = fromApp !== undefined && isKnown(fromApp) ? fromApp : fromName(name)
  if (protocol === 'http') return null
  if (protocol !== undefined) return `the protocol ${protocol}`
  return SERVER_FIRST_PORTS.includes(port) ? `port ${port}, which is taken for TCP,` : null
}

function isKnown(protocol: string): boolean {
  return PROTOCOLS.includes(protocol) || protocol === 'websocket'
}

function fromName(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (lower === 'grpc-web' || lower.startsWith('grpc-web-')) return 'grpc-web'
  const prefix = lower.split('-')[0]!
  return PROTOCOLS.includes(prefix) ? prefix : undefined
}
