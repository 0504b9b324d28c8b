// What is known of a downstream connection that a test makes up: plaintext, over loopback, from nobody in particular.
import type { ConnectionInfo } from '../connection-info.ts'

export function fakeConnection(fields: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return {
    id: 1,
    localAddress: '127.0.0.1:15001',
    localPort: 15001,
    remoteAddress: '127.0.0.1:40000',
    remoteIp: '127.0.0.1',
    directRemoteAddress: '127.0.0.1:40000',
    directRemoteIp: '127.0.0.1',
    directLocalAddress: '127.0.0.1:15001',
    handshake: null,
    acceptedAt: 0,
    handshakeBegunAt: -1,
    handshakeDoneAt: -1,
    listener: 'l',
    filterChain: '',
    tls: false,
    requestedServerName: '',
    alpn: '',
    peer: null,
    localUriSan: '',
    proxyTlvs: Buffer.alloc(0),
    tcpProxyCluster: '',
    ...fields,
  }
}
