// Envoy's counters below listener.<address>.
import type { Counter, Gauge, StatsScope } from '../stats/stats-scope.ts'

export interface ListenerStats {
  readonly cxTotal: Counter
  readonly cxActive: Gauge
  readonly cxDestroy: Counter
  readonly cxOverflow: Counter
  readonly cxOverloadReject: Counter
  readonly preCxTimeout: Counter
  readonly handshakeTimeout: Counter
  readonly noFilterChainMatch: Counter
  readonly ssl: SslStats
}

export interface SslStats {
  readonly handshake: Counter
  /** Handshakes that failed for a reason other than the peer's certificate. */
  readonly connectionError: Counter
  readonly failVerifyNoCert: Counter
  readonly failVerifyError: Counter
  readonly failVerifySan: Counter
  readonly failVerifyCertHash: Counter
  readonly noCertificate: Counter
  readonly secretsNotReady: Counter
}

export function createListenerStats(root: StatsScope, statPrefix: string): ListenerStats {
  const scope = root.scope('listener', { envoy_listener_address: statPrefix }).lease()
  const ssl = scope.scope('ssl')
  const stats = {
    cxTotal: scope.counter('downstream_cx_total'),
    cxActive: scope.gauge('downstream_cx_active'),
    cxDestroy: scope.counter('downstream_cx_destroy'),
    cxOverloadReject: scope.counter('downstream_cx_overload_reject'),
    cxOverflow: scope.counter('downstream_global_cx_overflow'),
    preCxTimeout: scope.counter('downstream_pre_cx_timeout'),
    handshakeTimeout: scope.counter('downstream_cx_transport_socket_connect_timeout'),
    noFilterChainMatch: scope.counter('no_filter_chain_match'),
    ssl: {
      handshake: ssl.counter('handshake'),
      connectionError: ssl.counter('connection_error'),
      failVerifyNoCert: ssl.counter('fail_verify_no_cert'),
      failVerifyError: ssl.counter('fail_verify_error'),
      failVerifySan: ssl.counter('fail_verify_san'),
      failVerifyCertHash: ssl.counter('fail_verify_cert_hash'),
      noCertificate: ssl.counter('no_certificate'),
      secretsNotReady: scope.counter('server_ssl_socket_factory.downstream_context_secrets_not_ready'),
    },
  }
  scope.returnWith(stats)
  return stats
}
