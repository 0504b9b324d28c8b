// ProxyConfig.proxyHeaders.
import { DEFAULT_PROXY_CONFIG, type ProxyHeaders } from '../../../model/proxy-config.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readForwardClientCert } from './forward-client-cert.ts'

const DEFAULTS = DEFAULT_PROXY_CONFIG.proxyHeaders

export function readProxyHeaders(reader: ObjectReader): ProxyHeaders {
  const details = reader.object('setCurrentClientCertDetails')
  readMetadataExchange(reader)
  const headers: ProxyHeaders = {
    forwardedClientCert: readForwardClientCert(reader, 'forwardedClientCert') ?? DEFAULTS.forwardedClientCert,
    clientCertDetails: details ? readDetails(details) : DEFAULTS.clientCertDetails,
    server: readServer(reader),
    requestId: !isDisabled(reader, 'requestId'),
    attemptCount: !isDisabled(reader, 'attemptCount'),
    envoyDebugHeaders: !isDisabled(reader, 'envoyDebugHeaders'),
    preserveHttp1HeaderCase: reader.boolean('preserveHttp1HeaderCase') ?? false,
    xForwardedHost: isEnabled(reader, 'xForwardedHost'),
    xForwardedPort: isEnabled(reader, 'xForwardedPort'),
  }
  reader.done()
  return headers
}

function readServer(reader: ObjectReader): string | null {
  const server = reader.object('server')
  if (!server) return DEFAULTS.server
  const disabled = server.boolean('disabled') ?? false
  const value = server.string('value') ?? ''
  // RFC 9110 5.5: what no field's value may hold.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    server.sink.badValue(server.place('value'), 'must not hold control characters')
  server.done()
  return disabled ? null : value
}

function readDetails(reader: ObjectReader): ProxyHeaders['clientCertDetails'] {
  const { subject, cert, dns, uri } = DEFAULTS.clientCertDetails
  if (reader.boolean('chain')) reader.sink.unsupported(reader.place('chain'), 'chain')
  const details = {
    subject: reader.boolean('subject') ?? subject,
    cert: reader.boolean('cert') ?? cert,
    dns: reader.boolean('dns') ?? dns,
    uri: reader.boolean('uri') ?? uri,
  }
  reader.done()
  return details
}

/** Weft's proxies tell nobody of themselves by Istio's headers, in the mesh or out of it. */
function readMetadataExchange(reader: ObjectReader): void {
  const exchange = reader.object('metadataExchangeHeaders')
  exchange?.enumeration('mode', ['UNDEFINED', 'IN_MESH'])
  exchange?.done()
}

function isDisabled(reader: ObjectReader, field: string): boolean {
  const block = reader.object(field)
  const disabled = block?.boolean('disabled') ?? false
  block?.done()
  return disabled
}

function isEnabled(reader: ObjectReader, field: string): boolean {
  const block = reader.object(field)
  const enabled = block?.boolean('enabled') ?? false
  block?.done()
  return enabled
}
