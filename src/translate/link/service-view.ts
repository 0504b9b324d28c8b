// A service as somebody sees it who knows some of its ports, or has them spoken to in another protocol.
import {
  type MeshEndpoint,
  type MeshService,
  type MeshServicePort,
  protocolOf,
  type WorkloadTarget,
} from './mesh-service.ts'

class ServiceView implements MeshService {
  readonly host: string
  readonly name: string
  readonly namespace: string
  readonly ports: readonly MeshServicePort[]
  readonly addresses: readonly string[]
  readonly headless: boolean
  readonly external: boolean
  readonly resolution: MeshService['resolution']
  readonly exportTo: readonly string[]
  readonly origins: MeshService['origins']
  readonly key: string
  readonly #whole: MeshService

  constructor(whole: MeshService, ports: readonly MeshServicePort[]) {
    this.host = whole.host
    this.name = whole.name
    this.namespace = whole.namespace
    this.ports = ports
    this.addresses = whole.addresses
    this.headless = whole.headless
    this.external = whole.external
    this.resolution = whole.resolution
    this.exportTo = whole.exportTo
    this.origins = whole.origins
    this.key = `${whole.key}|${ports.map(({ number, protocol }) => `${number}/${protocol}`).join(',')}`
    this.#whole = whole
  }

  endpoints(port: MeshServicePort): readonly MeshEndpoint[] {
    return this.#whole.endpoints(port)
  }

  targets(port: MeshServicePort): readonly WorkloadTarget[] {
    return this.#whole.targets(port)
  }

  subjectAltNames(): readonly string[] {
    return this.#whole.subjectAltNames()
  }
}

/** Itself where nothing is left out. */
export function withPorts(service: MeshService, numbers: ReadonlySet<number>): MeshService {
  const ports = service.ports.filter(({ number }) => numbers.has(number))
  return ports.length === service.ports.length ? service : new ServiceView(service, ports)
}

/** Itself where it says so already. */
export function spokenTo(service: MeshService, number: number, protocol: MeshServicePort['protocol']): MeshService {
  if (protocolOf(service, number) === protocol) return service
  const ports = service.ports.map(port => (port.number === number ? { ...port, protocol } : port))
  return new ServiceView(service, ports)
}
