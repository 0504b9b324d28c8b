// What a port speaks, in Istio's words, and what of it matters to a proxy.

/** UNDECLARED: nobody says; the first bytes do. */
export type PortProtocol = DeclaredProtocol | 'UNDECLARED'

/** What a Gateway's server must say: the first four are told apart by the first bytes of a connection, whichever it is. */
export type DeclaredProtocol = (typeof PORT_PROTOCOLS)[number]

export const PORT_PROTOCOLS = [
  'HTTP',
  'HTTP2',
  'GRPC',
  'GRPC-WEB',
  'HTTPS',
  'TLS',
  'TCP',
  'MONGO',
  'MYSQL',
  'REDIS',
] as const

/** Protocols without a proxy of their own are relayed as bytes, TLS that is not the mesh's among them. */
export type ProtocolFamily = 'http1' | 'http2' | 'tcp' | 'undeclared'

export function familyOf(protocol: PortProtocol): ProtocolFamily {
  switch (protocol) {
    case 'HTTP':
      return 'http1'
    case 'HTTP2':
    case 'GRPC':
    case 'GRPC-WEB':
      return 'http2'
    case 'UNDECLARED':
      return 'undeclared'
    default:
      return 'tcp'
  }
}
