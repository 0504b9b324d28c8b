// Takes the PROXY header off a connection, and with it the addresses that the connection has from then on.
import { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from '../../../../transport/proxy-protocol/header-parser.ts'
import { selectTlvs } from '../../../../transport/proxy-protocol/tlv-block.ts'
import type { Findings, ListenerFilter, Verdict } from '../contract/listener-filter.ts'
import type { ProxyProtocolConfig } from './config.ts'

export class ProxyProtocolFilter implements ListenerFilter {
  readonly maxBytes = MAX_PROXY_HEADER_BYTES
  readonly onlyLooks = false
  readonly #config: ProxyProtocolConfig

  constructor(config: ProxyProtocolConfig) {
    this.#config = config
  }

  inspect(bytes: Buffer, findings: Findings): Verdict {
    const { headerOptional, disallowed, versions, connectionError, passedTlvs } = this.#config
    const header = parseProxyHeader(bytes)
    if (header.kind === 'absent') return this.#withoutHeader()
    const isDisallowed = disallowed.has(header.version)
    if (isDisallowed && headerOptional) return this.#withoutHeader()
    if (header.kind === 'incomplete') return header.needed
    const stats = versions[header.version]
    if (header.kind === 'malformed') {
      stats.error.value++
      connectionError.value++
      return 'refuse'
    }
    stats.found.value++
    if (isDisallowed) {
      stats.disallowed.value++
      return 'refuse'
    }
    findings.consumed = header.length
    findings.announced = header.addresses
    if (header.tlvs.length > 0) findings.tlvs = selectTlvs(header.tlvs, passedTlvs)
    return 'done'
  }

  #withoutHeader(): Verdict {
    const { headerOptional, notFoundAllowed, notFoundDisallowed, connectionError } = this.#config
    if (headerOptional) {
      notFoundAllowed.value++
      return 'done'
    }
    notFoundDisallowed.value++
    connectionError.value++
    return 'refuse'
  }
}
