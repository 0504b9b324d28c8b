// Clusters' transport sockets, compiled: plaintext, or UpstreamTlsContext, or either behind a PROXY header.
import type { Socket } from 'node:net'
import { create } from '@bufbuild/protobuf'
import type { Parsed } from '../../base/problem.ts'
import { type Keepalive, keepaliveNetwork } from '../../transport/net/keepalive-network.ts'
import { type AddressChoice, lookupNetwork } from '../../transport/net/lookup-network.ts'
import type { Network } from '../../transport/net/network.ts'
import { connectFailure } from '../../transport/net/system-network.ts'
import type { SanMatcher } from '../../transport/tls/peer-verification.ts'
import { connectTls } from '../../transport/tls/tls-client.ts'
import { typeUrlOf, unpackAny } from '../../xds/any-pack.ts'
import type { TransportSocket } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import {
  type InternalUpstreamTransport,
  InternalUpstreamTransportSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/internal_upstream/v3/internal_upstream_pb.ts'
import {
  type ProxyProtocolUpstreamTransport,
  ProxyProtocolUpstreamTransportSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb.ts'
import { RawBufferSchema } from '../../xds/generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import {
  CommonTlsContextSchema,
  type UpstreamTlsContext,
  UpstreamTlsContextSchema,
} from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import type { ServerIdentity, UpstreamTransport } from '../upstream-transport.ts'
import { InternalUpstream } from './internal-upstream.ts'
import type { TransportOver } from './passthrough-transport.ts'
import { nameMatcher } from './san-matchers.ts'
import type { SecretSource } from './secret-store.ts'
import { compileTlsContext, TlsContext, type TlsMaterial } from './tls-context.ts'
import { compileHeader, UpstreamProxyProtocol } from './upstream-proxy-protocol.ts'

// max_session_keys asks for resumption, which is off (secure-context.ts): harmless, so honoured by every value.
const FIELDS = new Set(['common_tls_context', 'sni', 'max_session_keys', 'enforce_rsa_key_usage'])
// passthrough_metadata is of filters that Weft has none of.
const INTERNAL_FIELDS = new Set(['transport_socket'])

/** `alpn`: offered where the socket's config names no protocols, as Envoy's pools do for theirs. `keepalive`: null is off. `choose`: null is all. */
export type TransportCompiler = (
  transportSocket: TransportSocket | undefined,
  path: string,
  alpn: readonly string[],
  keepalive?: Keepalive | null,
  choose?: AddressChoice | null,
) => Parsed<UpstreamTransport>

export function createTransportCompiler(network: Network, secrets: SecretSource): TransportCompiler {
  const plaintext = new RawBufferTransport(network)
  return (transportSocket, path, alpn, keepalive = null, choose = null) => {
    const check = new ResourceCheck('')
    const over = compileTransport(transportSocket, path, { secrets, alpn, check })
    if (over === PLAINTEXT && keepalive === null && choose === null) return check.result<UpstreamTransport>(plaintext)
    const chosen = choose === null ? network : lookupNetwork(network, choose)
    return check.result<UpstreamTransport>(over(keepalive === null ? chosen : keepaliveNetwork(chosen, keepalive)))
  }
}

const MAX_SERVER_NAME_BYTES = 255
const UNSENDABLE_NAME =
  'Failed_to_create_upstream_TLS_due_to_failure_setting_SNI:_error:100000d5:SSL_routines:OPENSSL_internal:SSL3_EXT_INVALID_SERVERNAME'
const PLAINTEXT: TransportOver = network => new RawBufferTransport(network)

interface Compilation {
  readonly secrets: SecretSource
  readonly alpn: readonly string[]
  readonly check: ResourceCheck
}

/** Undefined is plaintext. Problems are noted, and plaintext stands in. */
function compileTransport(
  transportSocket: TransportSocket | undefined,
  path: string,
  compilation: Compilation,
): TransportOver {
  if (!transportSocket) return PLAINTEXT
  const typedConfig = transportSocket.configType.case === 'typedConfig' ? transportSocket.configType.value : undefined
  if (typedConfig?.typeUrl === typeUrlOf(RawBufferSchema)) return PLAINTEXT
  const at = `${path}.typed_config`
  const tls = unpackAny(typedConfig, UpstreamTlsContextSchema)
  if (tls) return compileTls(tls, at, compilation)
  const proxyProtocol = unpackAny(typedConfig, ProxyProtocolUpstreamTransportSchema)
  if (proxyProtocol) return compileProxyProtocol(proxyProtocol, at, compilation)
  const internal = unpackAny(typedConfig, InternalUpstreamTransportSchema)
  if (internal) return compileInternalUpstream(internal, at, compilation)
  compilation.check.unsupported(at, `transport socket ${transportSocket.name} is not supported or not decodable`)
  return PLAINTEXT
}

function compileTls(message: UpstreamTlsContext, path: string, { secrets, alpn, check }: Compilation): TransportOver {
  check.honour(UpstreamTlsContextSchema, message, path, FIELDS)
  // Without one nothing is shown and nothing is checked, as in Envoy.
  const common = message.commonTlsContext ?? create(CommonTlsContextSchema)
  const config = compileTlsContext(common, `${path}.common_tls_context`, check)
  const applicationProtocols = config.applicationProtocols.length > 0 ? config.applicationProtocols : alpn
  // Which of several to show is a matter of the server's choice.
  if (config.keyPairs.length > 1) check.unsupported(`${path}.common_tls_context`, 'a client has one certificate')
  if (message.sni.includes('\0')) check.error(`${path}.sni`, 'must not hold NUL')
  if (isTooLong(message.sni)) check.error(`${path}.sni`, `must be at most ${MAX_SERVER_NAME_BYTES} bytes`)
  const context = new TlsContext(config, secrets)
  return network => new TlsTransport(network, context, message.sni, applicationProtocols)
}

function compileProxyProtocol(
  message: ProxyProtocolUpstreamTransport,
  path: string,
  compilation: Compilation,
): TransportOver {
  const { check } = compilation
  const wrapped = message.transportSocket
  if (!wrapped) check.error(`${path}.transport_socket`, 'is required')
  const headerFor = compileHeader(message.config, `${path}.config`, check)
  const over = compileTransport(wrapped, `${path}.transport_socket`, compilation)
  return network => new UpstreamProxyProtocol(network, over, headerFor)
}

function compileInternalUpstream(
  message: InternalUpstreamTransport,
  path: string,
  compilation: Compilation,
): TransportOver {
  const { check } = compilation
  check.honour(InternalUpstreamTransportSchema, message, path, INTERNAL_FIELDS)
  const wrapped = message.transportSocket
  if (!wrapped) check.error(`${path}.transport_socket`, 'is required')
  const over = compileTransport(wrapped, `${path}.transport_socket`, compilation)
  return network => new InternalUpstream(network, over)
}

/** RFC 6066 3 has a host name there, and TLS libraries take no longer one. */
function isTooLong(serverName: string): boolean {
  return Buffer.byteLength(serverName) > MAX_SERVER_NAME_BYTES
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
  readonly #applicationProtocols: readonly string[]
  readonly #verifiedName: SanMatcher | null

  constructor(
    network: Network,
    context: TlsContext,
    serverName: string,
    applicationProtocols: readonly string[],
    verifiedName: SanMatcher | null = null,
  ) {
    this.#network = network
    this.#context = context
    this.#serverName = serverName
    this.#applicationProtocols = applicationProtocols
    this.#verifiedName = verifiedName
  }

  forServer({ serverName, verifiedName }: ServerIdentity): UpstreamTransport {
    const verified = verifiedName === null ? null : nameMatcher(verifiedName)
    return new TlsTransport(
      this.#network,
      this.#context,
      serverName ?? this.#serverName,
      this.#applicationProtocols,
      verified,
    )
  }

  get secretNames(): readonly string[] {
    return this.#context.config.secretNames
  }

  get material(): TlsMaterial {
    return this.#context.material
  }

  connect(address: string, port: number, onReady: (failure: string | null) => void): Socket {
    const raw = this.#network.connect(address, port)
    const serverName = this.#serverName
    let failure = 'TLS_error:_Secret_is_not_supplied_by_SDS'
    try {
      const ready = this.#context.current()
      // A request may say any name; without one the server would show whatever certificate it has for that.
      if (isTooLong(serverName)) failure = UNSENDABLE_NAME
      else if (ready) {
        const peer = { ...this.#context.peerRequirements(true), verifiedName: this.#verifiedName }
        const { context, ownCertificate } = ready
        const applicationProtocols = this.#applicationProtocols
        return connectTls(raw, { context, serverName, applicationProtocols, peer, ownCertificate }, onReady)
      }
    } catch (error) {
      failure = `TLS_error:_${(error as Error).message.replaceAll(' ', '_')}`
    }
    raw.on('error', () => {}).destroy()
    queueMicrotask(() => onReady(failure))
    return raw
  }
}
