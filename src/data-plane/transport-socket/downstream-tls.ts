// DownstreamTlsContext, compiled: a filter chain's side of TLS.
import type { Socket } from 'node:net'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Clock } from '../../base/clock.ts'
import { acceptTls, selectApplicationProtocol, type TlsServerOutcome } from '../../transport/tls/tls-server.ts'
import { typeUrlOf, unpackAny } from '../../xds/any-pack.ts'
import type { TransportSocket } from '../../xds/generated/envoy/config/core/v3/base_pb.ts'
import { RawBufferSchema } from '../../xds/generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts'
import { DownstreamTlsContextSchema } from '../../xds/generated/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'
import type { SecretSource } from './secret-store.ts'
import { compileTlsContext, TlsContext, type TlsMaterial } from './tls-context.ts'

const FIELDS = new Set([
  'common_tls_context',
  'require_client_certificate',
  'require_sni',
  'disable_stateless_session_resumption',
  'disable_stateful_session_resumption',
])

export type DownstreamTlsOutcome =
  | (TlsServerOutcome & { readonly ok: true; readonly localUriSan: string })
  | (TlsServerOutcome & { readonly ok: false })
  | { readonly ok: false; readonly reason: 'no-secrets' | 'no-sni'; readonly detail: string }

export class DownstreamTls {
  readonly #context: TlsContext
  readonly #clientCertificateRequired: boolean
  readonly #sniRequired: boolean

  constructor(context: TlsContext, clientCertificateRequired: boolean, sniRequired: boolean) {
    this.#context = context
    this.#clientCertificateRequired = clientCertificateRequired
    this.#sniRequired = sniRequired
  }

  get secretNames(): readonly string[] {
    return this.#context.config.secretNames
  }

  get material(): TlsMaterial {
    return this.#context.material
  }

  /** Whether what the client offers must be known before the handshake: the choice of protocol and SNI rules need it. */
  get needsClientHello(): boolean {
    return this.#sniRequired || this.#context.config.applicationProtocols.length > 0
  }

  /** Shakes hands; calls back once, with the connection closed when it failed. */
  accept(
    socket: Socket,
    readAhead: Buffer | null,
    client: { readonly serverName: string; readonly applicationProtocols: readonly string[] },
    timing: { readonly clock: Clock; readonly handshakeTimeoutMs: number },
    onDone: (outcome: DownstreamTlsOutcome) => void,
  ): void {
    const ready = this.#ready()
    if (typeof ready === 'string' || (this.#sniRequired && client.serverName === '')) {
      socket.destroy()
      if (typeof ready === 'string') onDone({ ok: false, reason: 'no-secrets', detail: ready })
      else onDone({ ok: false, reason: 'no-sni', detail: 'client sent no server name' })
      return
    }
    const { config } = this.#context
    const required = this.#clientCertificateRequired
    const options = {
      context: ready.context,
      applicationProtocol: selectApplicationProtocol(config.applicationProtocols, client.applicationProtocols),
      peer: required || config.trustedCa ? this.#context.peerRequirements(required) : null,
      ownCertificate: ready.ownCertificate,
      ...timing,
    }
    acceptTls(socket, readAhead, options, outcome =>
      onDone(outcome.ok ? { ...outcome, localUriSan: ready.localUriSan } : outcome),
    )
  }

  #ready(): NonNullable<ReturnType<TlsContext['current']>> | string {
    try {
      return this.#context.current() ?? 'Secret is not supplied by SDS'
    } catch (error) {
      return `unusable secret: ${(error as Error).message}`
    }
  }
}

/** Null is plaintext. Problems go to `check`. */
export function compileDownstreamTransport(
  transportSocket: TransportSocket | undefined,
  path: string,
  secrets: SecretSource,
  check: ResourceCheck,
): DownstreamTls | null {
  const typedConfig = typedConfigOf(transportSocket)
  if (!transportSocket || typedConfig?.typeUrl === typeUrlOf(RawBufferSchema)) return null
  const message = unpackAny(typedConfig, DownstreamTlsContextSchema)
  if (!message) {
    check.unsupported(
      `${path}.typed_config`,
      `transport socket ${transportSocket.name} is not supported or not decodable`,
    )
    return null
  }
  const at = `${path}.typed_config`
  check.honour(DownstreamTlsContextSchema, message, at, FIELDS)
  if (!message.commonTlsContext) check.error(`${at}.common_tls_context`, 'is required')
  if (!message.commonTlsContext) return null
  const config = compileTlsContext(message.commonTlsContext, `${at}.common_tls_context`, check)
  if (config.keyPairs.length === 0)
    check.error(`${at}.common_tls_context`, 'No TLS certificates found for server context')
  // As in Envoy: a rule for what a certificate says would be none if one could come without.
  const required = message.requireClientCertificate || config.sans.length > 0 || config.pins !== null
  return new DownstreamTls(new TlsContext(config, secrets), required, message.requireSni ?? false)
}

function typedConfigOf(transportSocket: TransportSocket | undefined): Any | undefined {
  return transportSocket?.configType.case === 'typedConfig' ? transportSocket.configType.value : undefined
}
