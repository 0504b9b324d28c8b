// Clusters' transport sockets, compiled: plaintext, or UpstreamTlsContext, or either behind a PROXY header.
import type { Socket } from 'node:net'
import type { Parsed } from '../../base/problem.ts'
import type { Network } from '../../transport/net/network.ts'
import { connectFailure } from '../../transport/net/system-network.ts'
import { connectTls } from '../../transport/tls/tls-client.ts'
import { typeUrlOf, unpackAny } from '../../xds/any-pack.ts'
import type { TransportSocket } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type ProxyProtocolUpstreamTransport,
  ProxyProtocolUpstreamTransportSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts'
import { RawBufferSchema } from '../../xds/generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import {
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { UpstreamTransport } from '../upstream-transport.ts'
import type { SecretSource } from './secret-store.ts'
import { compileTlsContext, TlsContext } from './tls-context.ts'
import { compileHeader, type TransportOver, UpstreamProxyProtocol } from './upstream-proxy-protocol.ts'

// max_session_keys asks for resumption, which is off (secure-context.ts): harmless, so honoured by every value.
const FIELDS = new Set(['common_tls_context', 'sni', 'max_session_keys', 'enforce_rsa_key_usage'])

export type TransportCompiler = (
  transportSocket: TransportSocket | undefined,
  path: string,
) => Parsed<UpstreamTransport>

export function createTransportCompiler(network: Network, secrets: SecretSource): TransportCompiler {
  const plaintext = new RawBufferTransport(network)
  return (transportSocket, path) => {
    const check = new ResourceCheck('')
    const over = compileTransport(transportSocket, path, secrets, check)
    return check.result<UpstreamTransport>(over === PLAINTEXT ? plaintext : over(network))
  }
}

const PLAINTEXT: TransportOver = network => new RawBufferTransport(network)

/** Undefined is plaintext. Problems go to `check`, and plaintext stands in. */
function compileTransport(
  transportSocket: TransportSocket | undefined,
  path: string,
  secrets: SecretSource,
  check: ResourceCheck,
): TransportOver {
  if (!transportSocket) return PLAINTEXT
  const typedConfig = transportSocket.configType.case === 'typedConfig' ? transportSocket.configType.value : undefined
  if (typedConfig?.typeUrl === typeUrlOf(RawBufferSchema)) return PLAINTEXT
  const at = `${path}.typed_config`
  const tls = unpackAny(typedConfig, UpstreamTlsContextSchema)
  if (tls) return compileTls(tls, at, secrets, check)
  const proxyProtocol = unpackAny(typedConfig, ProxyProtocolUpstreamTransportSchema)
  if (proxyProtocol) return compileProxyProtocol(proxyProtocol, at, secrets, check)
  check.unsupported(at, `transport socket ${transportSocket.name} is not supported or not decodable`)
  return PLAINTEXT
}

function compileTls(
  message: UpstreamTlsContext,
  path: string,
  secrets: SecretSource,
  check: ResourceCheck,
): TransportOver {
  check.honour(UpstreamTlsContextSchema, message, path, FIELDS)
  if (!message.commonTlsContext) {
    check.error(`${path}.common_tls_context`, 'is required')
    return PLAINTEXT
  }
  const config = compileTlsContext(message.commonTlsContext, `${path}.common_tls_context`, check)
  const context = new TlsContext(config, secrets)
  return network => new TlsTransport(network, context, message.sni)
}

function compileProxyProtocol(
  message: ProxyProtocolUpstreamTransport,
  path: string,
  secrets: SecretSource,
  check: ResourceCheck,
): TransportOver {
  const wrapped = message.transportSocket
  if (!wrapped) check.error(`${path}.transport_socket`, 'is required')
  const headerFor = compileHeader(message.config, `${path}.config`, check)
  const over = compileTransport(wrapped, `${path}.transport_socket`, secrets, check)
  return network => new UpstreamProxyProtocol(network, over, headerFor)
}

class RawBufferTransport implements UpstreamTransport {
  readonly name = 'raw_buffer'
  readonly #network: Network

  constructor(network: Network) {
    this.#network = network
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    const socket = this.#network.connect(address, port)
    const onError = (error: Error): void => {
      socket.destroy()
      onReady(`delayed_connect_error:_${connectFailure(error).replaceAll(' ', '_')}`)
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.off('error', onError)
      onReady(null)
    })
    return socket
  }
}

class TlsTransport implements UpstreamTransport {
  readonly name = 'tls'
  readonly #network: Network
  readonly #context: TlsContext
  readonly #serverName: string

  constructor(network: Network, context: TlsContext, serverName: string) {
    this.#network = network
    this.#context = context
    this.#serverName = serverName
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    const raw = this.#network.connect(address, port)
    let failure = 'TLS_error:_Secret_is_not_supplied_by_SDS'
    try {
      const ready = this.#context.current()
      if (ready) {
        const peer = this.#context.peerRequirements(true)
        const applicationProtocols = this.#context.config.applicationProtocols
        return connectTls(
          raw,
          { context: ready.context, serverName: this.#serverName, applicationProtocols, peer },
          onReady,
        )
      }
    } catch (error) {
      failure = `TLS_error:_${(error as Error).message.replaceAll(' ', '_')}`
    }
    raw.on('error', () => {}).destroy()
    queueMicrotask(() => onReady(failure))
    return raw
  }
}
