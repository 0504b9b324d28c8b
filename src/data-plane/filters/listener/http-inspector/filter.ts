// Tells HTTP/1 and HTTP/2 with prior knowledge from other plaintext, as Envoy's http_inspector.
import type { Findings, ListenerFilter, Verdict } from '../contract/listener-filter.ts'

const HTTP2_PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const MAX_REQUEST_LINE_BYTES = 8192
const METHOD = /^[A-Z-]{1,32}$/
const VERSION = / (HTTP\/1\.[01])$/

export class HttpInspector implements ListenerFilter {
  readonly maxBytes = MAX_REQUEST_LINE_BYTES
  readonly onlyLooks = true

  inspect(bytes: Buffer, findings: Findings): Verdict {
    // Behind TLS the bytes are not readable; ALPN has said what there is to say.
    if (findings.transportProtocol === 'tls') return 'done'
    const text = bytes.toString('latin1', 0, MAX_REQUEST_LINE_BYTES)
    if (text.startsWith(HTTP2_PREFACE)) return this.#found(findings, 'h2c')
    if (HTTP2_PREFACE.startsWith(text)) return bytes.length + 1
    const space = text.indexOf(' ')
    if (!METHOD.test(space < 0 ? text : text.slice(0, space))) return 'done'
    const end = text.indexOf('\r\n')
    if (end < 0) return text.length >= MAX_REQUEST_LINE_BYTES ? 'done' : bytes.length + 1
    const version = VERSION.exec(text.slice(0, end))?.[1]
    return version ? this.#found(findings, version.toLowerCase()) : 'done'
  }

  #found(findings: Findings, protocol: string): 'done' {
    findings.applicationProtocols = [protocol]
    return 'done'
  }
}
