// How proxies reach the control plane.
import { type ChannelCredentials, Client, credentials } from '@grpc/grpc-js'
import type { KeyPair } from '../../transport/tls/secure-context.ts'

/** The name in the control plane's certificate that proxies insist on, whatever address they dial; Istio's too. */
export const CONTROL_PLANE_SERVER_NAME = 'istiod.istio-system.svc'

export interface ControlPlaneCredentials {
  readonly keyPair: KeyPair
  readonly trustBundle: string
}

/**
 * A channel of its own for each stream of config: the certificate it was opened with is never older than the stream.
 * Null credentials: plaintext, for tests.
 */
export function openControlPlaneChannel(
  target: string,
  identity: ControlPlaneCredentials | null,
  maxResponseBytes: number,
): Client {
  return new Client(target, channelCredentials(identity), {
    'grpc.max_receive_message_length': maxResponseBytes,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    ...(identity ? { 'grpc.ssl_target_name_override': CONTROL_PLANE_SERVER_NAME } : {}),
  })
}

function channelCredentials(identity: ControlPlaneCredentials | null): ChannelCredentials {
  if (!identity) return credentials.createInsecure()
  const { keyPair, trustBundle } = identity
  return credentials.createSsl(
    Buffer.from(trustBundle),
    Buffer.from(keyPair.privateKey),
    Buffer.from(keyPair.certificateChain),
  )
}
