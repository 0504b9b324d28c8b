// envoy.transport_sockets.upstream_proxy_protocol: a PROXY header goes before everything else, TLS included, and tells the
// upstream whose connection it is.
import type { Socket } from 'node:net'
import type { Network } from '../../transport/net/network.ts'
import { proxyHeaderV1, proxyHeaderV2 } from '../../transport/proxy-protocol/header-writer.ts'
import type { ProxyAddresses } from '../../transport/proxy-protocol/proxy-addresses.ts'
import { selectTlvs } from '../../transport/proxy-protocol/tlv-block.ts'
import {
  ProxyProtocolPassThroughTLVs_PassTLVsMatchType as MatchType,
  type ProxyProtocolConfig,
  ProxyProtocolConfigSchema,
  ProxyProtocolConfig_Version as Version,
} from '../../xds/generated/envoy/config/core/v3/proxy_protocol_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { ConnectionInfo } from '../connection-info.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import { PassthroughTransport, type TransportOver } from './passthrough-transport.ts'

/** The header for a downstream; null stands for a connection of the proxy's own. */
export type HeaderFor = (downstream: ConnectionInfo | null) => Buffer

const FIELDS = new Set(['version', 'pass_through_tlvs'])
const NO_TLVS = Buffer.alloc(0)

/** Problems go to `check`. */
export function compileHeader(config: ProxyProtocolConfig | undefined, path: string, check: ResourceCheck): HeaderFor {
  if (config) check.honour(ProxyProtocolConfigSchema, config, path, FIELDS)
  const passed = config?.passThroughTlvs
  const invalid = (passed?.tlvType ?? []).findIndex(type => type > 255)
  if (invalid >= 0) check.error(`${path}.pass_through_tlvs.tlv_type[${invalid}]`, 'must be below 256')
  if ((config?.version ?? Version.V1) === Version.V1)
    return downstream => proxyHeaderV1(downstream && addressesOf(downstream))
  const types = passed?.matchType === MatchType.INCLUDE ? new Set(passed.tlvType) : null
  return downstream => {
    const tlvs = passed === undefined || downstream === null ? NO_TLVS : selectTlvs(downstream.proxyTlvs, types)
    return proxyHeaderV2(downstream && addressesOf(downstream), tlvs)
  }
}

export class UpstreamProxyProtocol extends PassthroughTransport {
  readonly #network: Network
  readonly #over: TransportOver
  readonly #headerFor: HeaderFor

  constructor(network: Network, over: TransportOver, headerFor: HeaderFor) {
    super(over(announcing(network, headerFor(null))))
    this.#network = network
    this.#over = over
    this.#headerFor = headerFor
  }

  forDownstream(downstream: ConnectionInfo): UpstreamTransport {
    return this.#over(announcing(this.#network, this.#headerFor(downstream)))
  }
}

function announcing(network: Network, header: Buffer): Network {
  const connect = (address: string, port: number): Socket => {
    const socket = network.connect(address, port)
    // Kept by the socket until it is connected, and sent before anything that is written later.
    socket.write(header)
    return socket
  }
  return { ...network, connect }
}

function addressesOf({ remoteIp, remoteAddress, localAddress, localPort }: ConnectionInfo): ProxyAddresses {
  return {
    sourceIp: withoutZone(remoteIp),
    sourcePort: Number(remoteAddress.slice(remoteAddress.lastIndexOf(':') + 1)),
    destinationIp: withoutZone(hostOf(localAddress)),
    destinationPort: localPort,
  }
}

/** `127.0.0.1` of `127.0.0.1:80`, `::1` of `[::1]:80`. */
function hostOf(address: string): string {
  const host = address.slice(0, address.lastIndexOf(':'))
  return host.startsWith('[') ? host.slice(1, -1) : host
}

function withoutZone(ip: string): string {
  const percent = ip.indexOf('%')
  return percent < 0 ? ip : ip.slice(0, percent)
}
