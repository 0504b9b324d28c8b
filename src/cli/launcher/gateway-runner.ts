// A gateway: registered, and its proxy running. What it serves is said by Gateway resources.
import { describedGateway } from './described-workload.ts'
import { InstanceRegistration } from './instance-registration.ts'
import type { LauncherHost } from './launcher-host.ts'
import type { MeshAccess } from './mesh-access.ts'
import { findEnvoy, ProxyRunner } from './proxy-runner.ts'
import type { GatewaySpec } from './workload-spec.ts'

const STOP_GRACE_MS = 10_000

export interface GatewayPorts {
  readonly admin: number
  /** Where the port that Gateways ask for is served. */
  readonly http: number
}

export class GatewayRunner {
  readonly spec: GatewaySpec
  readonly ports: GatewayPorts
  readonly #host: LauncherHost
  readonly #registration: InstanceRegistration
  readonly #proxy: ProxyRunner

  constructor(host: LauncherHost, access: MeshAccess, spec: GatewaySpec, ports: GatewayPorts) {
    this.#host = host
    this.spec = spec
    this.ports = ports
    this.#registration = new InstanceRegistration(
      host,
      access.api,
      describedGateway(spec, { gatewayPorts: { [spec.port]: ports.http }, adminPort: ports.admin }),
      null,
    )
    const { name, namespace, serviceAccount, labels } = spec
    const envoy = spec.proxy === 'envoy' ? findEnvoy(host.env, name) : null
    const listening = { admin: ports.admin, http: ports.http }
    this.#proxy = new ProxyRunner(
      host,
      access,
      { name, namespace, serviceAccount, labels, kind: 'router', adminPort: ports.admin, ports: listening, envoy },
      { onLost: () => {}, onRecovered: () => this.#host.say(`${name} is back`) },
    )
  }

  async start(): Promise<void> {
    await this.#registration.register()
    await this.#proxy.start()
  }

  /** Requests under way end first. */
  async stop(): Promise<void> {
    this.#registration.close()
    await this.#proxy.stop(STOP_GRACE_MS)
  }

  kill(): void {
    this.#registration.close()
    this.#proxy.kill()
  }
}
