// What holds for each proxy of the mesh: the part of Istio's ProxyConfig that Weft honours.

export type ForwardClientCert = 'SANITIZE' | 'FORWARD_ONLY' | 'APPEND_FORWARD' | 'SANITIZE_SET' | 'ALWAYS_FORWARD_ONLY'

/** What stands before the gateways. */
export interface GatewayTopology {
  /** The client is who connected to the outermost of that many proxies, by x-forwarded-for. */
  readonly numTrustedProxies: number
  readonly forwardClientCert: ForwardClientCert
  /** Connections begin with a PROXY header, and those that do not are closed. */
  readonly proxyProtocol: boolean
}

/** What proxies say of themselves to clients and servers. */
export interface ProxyHeaders {
  /** Of sidecars, for what their applications receive. */
  readonly forwardedClientCert: ForwardClientCert
  readonly clientCertDetails: {
    readonly subject: boolean
    readonly cert: boolean
    readonly dns: boolean
    readonly uri: boolean
  }
  /** `server` of responses; empty: Istio's. Null: what the upstream said, and nothing where it said nothing. */
  readonly server: string | null
  readonly requestId: boolean
  readonly attemptCount: boolean
  /** x-envoy-* of the router's own. */
  readonly envoyDebugHeaders: boolean
  /** Names of HTTP/1 fields are passed on in the letters they came in. */
  readonly preserveHttp1HeaderCase: boolean
  readonly xForwardedHost: boolean
  readonly xForwardedPort: boolean
}

/** How the process of a proxy is started, and ends. */
export interface ProxyProcessConfig {
  /** Event loops; 0: as many as there are cores. Null: what the proxy takes by itself. */
  readonly concurrency: number | null
  /** How long connections of what was replaced may go on. */
  readonly drainDurationMs: number
  /** How long what is under way may go on when the proxy is stopped. */
  readonly terminationDrainDurationMs: number
}

export interface ProxyConfig {
  readonly process: ProxyProcessConfig
  readonly gatewayTopology: GatewayTopology
  readonly proxyHeaders: ProxyHeaders
}

export const DEFAULT_PROXY_CONFIG: ProxyConfig = {
  process: { concurrency: null, drainDurationMs: 45_000, terminationDrainDurationMs: 5000 },
  gatewayTopology: { numTrustedProxies: 0, forwardClientCert: 'SANITIZE_SET', proxyProtocol: false },
  proxyHeaders: {
    forwardedClientCert: 'APPEND_FORWARD',
    clientCertDetails: { subject: true, cert: false, dns: true, uri: true },
    server: '',
    requestId: true,
    attemptCount: true,
    envoyDebugHeaders: true,
    preserveHttp1HeaderCase: false,
    xForwardedHost: false,
    xForwardedPort: false,
  },
}
