// Every service of the mesh, from the registry, Kubernetes Services and ServiceEntries.
import type { Problem } from '../../base/problem.ts'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload } from '../../model/workload.ts'
import { type EndpointMaker, entryWithLabels, type TargetPort } from './endpoint-maker.ts'
import type { MeshEndpoint, MeshService, MeshServicePort } from './mesh-service.ts'
import { originOf } from './precedence.ts'
import type { WorkloadDirectory } from './workload-directory.ts'

export interface ServiceSources {
  readonly registry: readonly RegistryService[]
  /** These two in order of precedence. */
  readonly services: readonly ConfigObjectOf<'Service'>[]
  readonly entries: readonly ConfigObjectOf<'ServiceEntry'>[]
  readonly directory: WorkloadDirectory
  readonly maker: EndpointMaker
  readonly meshConfig: MeshConfig
}

/** In order of precedence. One host may occur once per namespace. */
export function collectServices(sources: ServiceSources): {
  services: readonly MeshService[]
  problems: readonly Problem[]
} {
  const services = new Map<string, MeshService>()
  const problems: Problem[] = []
  const registered = new Map(sources.registry.map(service => [`${service.namespace}/${service.name}`, service]))
  for (const object of sources.services) {
    registered.delete(`${object.namespace}/${object.name}`)
    const service = ofKubernetes(object, sources)
    services.set(service.key, service)
  }
  for (const service of registered.values()) {
    const made = ofRegistry(service, sources)
    services.set(made.key, made)
  }
  for (const object of sources.entries)
    for (const { value, position } of object.spec.hosts) {
      const service = ofEntry(object, value, sources)
      const first = services.get(service.key)
      if (!first) services.set(service.key, service)
      else {
        const other = first.origins[0]
        const message = `the host "${value}" is defined before, by ${other?.kind} ${other?.namespace}/${other?.name}`
        const name = `ServiceEntry ${object.namespace}/${object.name}`
        problems.push({ code: 'WEFT-1108', severity: 'warning', object: name, path: 'spec.hosts', message, position })
      }
    }
  return { services: [...services.values()], problems }
}

function ofKubernetes(
  object: ConfigObjectOf<'Service'>,
  { directory, maker, meshConfig }: ServiceSources,
): MeshService {
  const { spec, namespace, name } = object
  const targets = new Map<number, TargetPort>(spec.ports.map(port => [port.number, port.targetPort]))
  const workloads = spec.selector ? directory.select(namespace, spec.selector) : directory.ofService(namespace, name)
  return new WorkloadService(
    {
      host: `${name}.${namespace}.svc.${meshConfig.domainSuffix}`,
      name,
      namespace,
      ports: spec.ports.map(({ number, name: portName }) => ({ number, name: portName })),
      addresses: spec.addresses,
      headless: spec.headless,
      exportTo: spec.exportTo,
      origins: [originOf(object)],
    },
    workloads,
    port => targets.get(port.number) ?? port.number,
    spec.publishNotReadyAddresses,
    maker,
  )
}

function ofRegistry(service: RegistryService, { directory, maker, meshConfig }: ServiceSources): MeshService {
  const { name, namespace, ports } = service
  const targets = new Map<number, TargetPort>(ports.map(port => [port.number, port.targetPort ?? port.number]))
  return new WorkloadService(
    {
      host: `${name}.${namespace}.svc.${meshConfig.domainSuffix}`,
      name,
      namespace,
      ports: ports.map(port => ({ number: port.number, name: port.name })),
      addresses: [],
      headless: false,
      exportTo: [],
      origins: [{ kind: 'RegistryService', namespace, name }],
    },
    directory.ofService(namespace, name),
    port => targets.get(port.number) ?? port.number,
    false,
    maker,
  )
}

type Description = Omit<MeshService, 'endpoints' | 'subjectAltNames' | 'external' | 'resolution' | 'key'>

/** A service whose endpoints are registered workloads. */
class WorkloadService implements MeshService {
  readonly host: string
  readonly name: string
  readonly namespace: string
  readonly ports: readonly MeshServicePort[]
  readonly addresses: readonly string[]
  readonly headless: boolean
  readonly external = false
  readonly resolution = 'EDS'
  readonly exportTo: readonly string[]
  readonly origins: MeshService['origins']
  readonly key: string
  readonly workloads: readonly Workload[]
  readonly #target: (port: MeshServicePort) => TargetPort
  readonly #publishNotReady: boolean
  readonly #maker: EndpointMaker
  readonly #endpoints = new Map<number, readonly MeshEndpoint[]>()

  constructor(
    description: Description,
    workloads: readonly Workload[],
    target: (port: MeshServicePort) => TargetPort,
    publishNotReady: boolean,
    maker: EndpointMaker,
  ) {
    this.host = description.host
    this.name = description.name
    this.namespace = description.namespace
    this.ports = description.ports
    this.addresses = description.addresses
    this.headless = description.headless
    this.exportTo = description.exportTo
    this.origins = description.origins
    this.key = `${description.namespace}/${description.host}`
    this.workloads = workloads
    this.#target = target
    this.#publishNotReady = publishNotReady
    this.#maker = maker
  }

  endpoints(port: MeshServicePort): readonly MeshEndpoint[] {
    let endpoints = this.#endpoints.get(port.number)
    if (!endpoints) {
      const ready = this.workloads.filter(workload => workload.healthy || this.#publishNotReady)
      endpoints = ready.flatMap(workload => this.#maker.ofWorkload(workload, this.#target(port)) ?? [])
      this.#endpoints.set(port.number, endpoints)
    }
    return endpoints
  }

  /** Of all its workloads, well or not: health comes and goes, and must not change the cluster. */
  subjectAltNames(): readonly string[] {
    const names = this.workloads.map(({ namespace, serviceAccount }) =>
      this.#maker.identityOf(namespace, serviceAccount),
    )
    return [...new Set(names)].sort()
  }
}

function ofEntry(
  object: ConfigObjectOf<'ServiceEntry'>,
  host: string,
  { directory, maker, meshConfig }: ServiceSources,
): MeshService {
  const { spec, namespace } = object
  const targets = new Map(spec.ports.map(port => [port.number, port.targetPort ?? port.number]))
  const workloads = spec.workloadSelector ? directory.select(namespace, spec.workloadSelector) : []
  const objects = spec.workloadSelector ? directory.selectEntries(namespace, spec.workloadSelector) : []
  const selected = objects.map(entry => ({ name: entry.name, entry: entryWithLabels(entry) }))
  const entries = [...spec.endpoints.map(entry => ({ name: '', entry })), ...selected]
  // DNS with no endpoints resolves the host itself.
  const itself = spec.resolution === 'DNS' && !spec.workloadSelector && entries.length === 0
  const kubernetes = host.endsWith(`.svc.${meshConfig.domainSuffix}`)
  const made = new Map<number, readonly MeshEndpoint[]>()
  return {
    host,
    name: kubernetes ? host.slice(0, host.indexOf('.')) : host,
    namespace,
    ports: spec.ports.map(({ number, name }) => ({ number, name })),
    addresses: spec.addresses.filter(address => !address.includes('/')),
    headless: false,
    external: spec.location === 'MESH_EXTERNAL',
    resolution: spec.resolution === 'DNS' ? 'DNS' : 'EDS',
    exportTo: spec.exportTo,
    origins: [originOf(object)],
    key: `${namespace}/${host}`,
    endpoints(port) {
      let endpoints = made.get(port.number)
      if (!endpoints) {
        const target = targets.get(port.number) ?? port.number
        const ready = workloads.filter(workload => workload.healthy)
        endpoints = [
          ...ready.flatMap(workload => maker.ofWorkload(workload, target) ?? []),
          ...entries.map(({ name, entry }) => maker.ofEntry(entry, namespace, name, port, target)),
          ...(itself ? [maker.ofEntry(itselfAs(host, object), namespace, '', port, target)] : []),
        ]
        made.set(port.number, endpoints)
      }
      return endpoints
    },
    subjectAltNames() {
      const names = new Set(spec.subjectAltNames)
      for (const workload of workloads) names.add(maker.identityOf(namespace, workload.serviceAccount))
      for (const { entry } of entries)
        if (entry.serviceAccount !== '') names.add(maker.identityOf(namespace, entry.serviceAccount))
      return [...names].sort()
    },
  }
}

function itselfAs(host: string, object: ConfigObjectOf<'ServiceEntry'>) {
  return {
    address: host,
    ports: {},
    labels: {},
    locality: { region: '', zone: '', subZone: '' },
    weight: 1,
    serviceAccount: '',
    position: object.position,
  }
}
