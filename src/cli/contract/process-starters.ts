// The processes that this program can become, handed in by src/main: the command line may not import the engines.
import type { Parsed, Problem } from '../../base/problem.ts'

export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface ControlPlaneStart {
  readonly stateDir: string
  /** 0: any free one; absent: the one kept in the state, or the default. */
  readonly apiPort?: number
  readonly xdsPort?: number
  readonly joinPort?: number
  /** A further xDS port without TLS, for gRPC clients of this machine; absent: none. */
  readonly xdsPlaintextPort?: number
  /** Watched for changes. */
  readonly configDir?: string
  readonly meshConfigFile?: string
  /** Where global rate limits are counted; absent: in memory. */
  readonly rateLimitRedis?: string
}

/** Who a proxy is and whom it asks: all that an Envoy's bootstrap is made from. */
export interface BootstrapInput {
  readonly workload: string
  readonly namespace: string
  readonly serviceAccount: string
  readonly router: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly controlPlane: HostPort
  readonly stateDir: string
  /** 0: any free one. */
  readonly adminPort: number
}

/** What any process of Weft's own data plane can be told. */
export interface DataPlaneStart {
  /** How long a draining proxy waits for connections to end by themselves. */
  readonly drainTimeSeconds?: number
  /** Whether every client hears of a drain at once, as in Istio, or more and more of them over the drain time, as in Envoy. */
  readonly drainStrategy?: 'gradual' | 'immediate'
  /** How long after a hot restart the predecessor is ended, whatever it still does. */
  readonly parentShutdownTimeSeconds?: number
  /** How long what is under way may go on after a stop was asked for; Istio's 5 s unless set. */
  readonly terminationDrainSeconds?: number
  /** Event loops, each with its own connections; 1 unless set. */
  readonly concurrency?: number
  /** Holds the pid of the process that is in charge. */
  readonly pidFile?: string
}

export interface ProxyStart extends BootstrapInput, DataPlaneStart {
  readonly join: HostPort
  readonly tokenFile?: string
  readonly trustBundle: string
  /** A real Envoy to run with this identity, instead of Weft's own data plane. */
  readonly envoy?: string
}

/** A proxy that a static Envoy bootstrap configures. */
export interface StaticProxyStart extends DataPlaneStart {
  readonly file: string
}

export interface RunningProcess {
  /** Resolves when the process is done by itself: a signal, /quitquitquit, its parent's end. */
  readonly finished: Promise<void>
  stop(): Promise<void>
}

export interface ProcessStarters {
  controlPlane(options: ControlPlaneStart): Promise<RunningProcess>
  proxy(options: ProxyStart): Promise<RunningProcess>
  /** Or every problem with the file. */
  staticProxy(options: StaticProxyStart): Promise<Parsed<RunningProcess>>
  /** What `staticProxy` would say of the file. */
  checkBootstrap(options: StaticProxyStart): Promise<readonly Problem[]>
  /** The Envoy bootstrap of a workload's proxy, as JSON text. */
  bootstrap(input: BootstrapInput): Promise<string>
}
