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
import type { ServerIdentity, UpstreamTransport } from '../upstream-transport.ts'

/** Makes the transport that is wrapped, over a network of one's own. */
export type TransportOver = (network: Network) => UpstreamTransport

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

export class UpstreamProxyProtocol implements UpstreamTransport {
  readonly name: UpstreamTransport['name']
  readonly #network: Network
  readonly #over: TransportOver
  readonly #headerFor: HeaderFor
  /** For connections that are no downstream's. */
  readonly #own: UpstreamTransport

  constructor(network: Network, over: TransportOver, headerFor: HeaderFor) {
    this.#network = network
    this.#over = over
    this.#headerFor = headerFor
    this.#own = this.#announcing(null)
    this.name = this.#own.name
  }

  get secretNames(): readonly string[] {
    return this.#own.secretNames ?? []
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    return this.#own.connect(address, port, onReady)
  }

  forDownstream(downstream: ConnectionInfo): UpstreamTransport {
    return this.#announcing(downstream)
  }

  forServer(identity: ServerIdentity): UpstreamTransport {
    return this.#own.forServer?.(identity) ?? this.#own
  }

  #announcing(downstream: ConnectionInfo | null): UpstreamTransport {
    const header = this.#headerFor(downstream)
    const connect = (address: string, port: number): Socket => {
      const socket = this.#network.connect(address, port)
      // Kept by the socket until it is connected, and sent before anything that is written later.
      socket.write(header)
      return socket
    }
    return this.#over({ ...this.#network, connect })
  }
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
