// Gateway servers[].tls.
import type { GatewayServer } from '../../../model/gateway.ts'
import type { DeclaredProtocol } from '../../../model/port-protocol.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { OWN_CERTIFICATES, OWN_MODES, readTls } from '../contract/server-tls.ts'

const MODES = ['PASSTHROUGH', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', ...OWN_MODES] as const

export function readServerTls(
  server: ObjectReader,
  protocol: DeclaredProtocol,
): Pick<GatewayServer, 'tls' | 'redirectsToHttps'> {
  const reader = server.object('tls')
  const encrypted = protocol === 'HTTPS' || protocol === 'TLS'
  if (!reader) {
    if (encrypted && !server.has('tls')) server.missing('tls')
    return { tls: null, redirectsToHttps: false }
  }
  const redirects = reader.boolean('httpsRedirect') ?? false
  const tls = encrypted ? readTls(reader, protocol, MODES) : null
  if (encrypted && redirects)
    reader.sink.report('WEFT-1012', 'warning', reader.place('httpsRedirect'), 'httpsRedirect has no effect behind TLS')
  // Istio refuses all else on a plaintext port; on one of bytes there is nothing to redirect.
  const plain = protocol.startsWith('HTTP') || protocol.startsWith('GRPC')
  if (!encrypted) refuseOnPlaintext(reader, plain, protocol)
  reader.done()
  return { tls, redirectsToHttps: plain && !encrypted && redirects }
}

function refuseOnPlaintext(reader: ObjectReader, plain: boolean, protocol: DeclaredProtocol): void {
  const settings = ['mode', 'minProtocolVersion', 'maxProtocolVersion', 'cipherSuites', 'subjectAltNames']
  const certificates = [...OWN_CERTIFICATES, 'verifyCertificateSpki', 'verifyCertificateHash', 'insecureSkipVerify']
  for (const field of [...settings, ...certificates])
    if (reader.has(field))
      reader.sink.contradiction(reader.place(field), `${field} goes with HTTPS or TLS, not with ${protocol}`)
  if (!plain && reader.has('httpsRedirect'))
    reader.sink.contradiction(reader.place('httpsRedirect'), `httpsRedirect goes with HTTP, not with ${protocol}`)
}
