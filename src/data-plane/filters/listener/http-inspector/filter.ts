// Tells HTTP/1 and HTTP/2 with prior knowledge from other plaintext, as Envoy's http_inspector.
import type { DetectedProtocol, ListenerFilter } from '../contract/listener-filter.ts'

const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const MAX_REQUEST_LINE_BYTES = 8192
const METHOD = /^[A-Z-]{1,32}$/
const VERSION = / (HTTP\/1\.[01])$/

export class HttpInspector implements ListenerFilter {
  readonly maxBytes = MAX_REQUEST_LINE_BYTES

  inspect(bytes: Buffer, detected: DetectedProtocol): 'more' | 'done' {
    // Behind TLS the bytes are not readable; ALPN has said what there is to say.
    if (detected.transportProtocol === 'tls') return 'done'
    const text = bytes.toString('latin1', 0, MAX_REQUEST_LINE_BYTES)
    if (text.startsWith(HTTP2_PREFACE)) return this.#found(detected, 'h2c')
    if (HTTP2_PREFACE.startsWith(text)) return 'more'
    const space = text.indexOf(' ')
    if (!METHOD.test(space < 0 ? text : text.slice(0, space))) return 'done'
    const end = text.indexOf('\r\n')
    if (end < 0) return text.length >= MAX_REQUEST_LINE_BYTES ? 'done' : 'more'
    const version = VERSION.exec(text.slice(0, end))?.[1]
    return version ? this.#found(detected, version.toLowerCase()) : 'done'
  }

  #found(detected: DetectedProtocol, protocol: string): 'done' {
    detected.applicationProtocols = [protocol]
    return 'done'
  }
}
