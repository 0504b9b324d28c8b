// Every service of the mesh, from the registry, Kubernetes Services and ServiceEntries.
import type { Problem } from '../../base/problem.ts'
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload } from '../../model/workload.ts'
import type { WorkloadEntry } from '../../model/workload-entry.ts'
import { isIpAddress } from '../host/ip-address.ts'
import { registeredProtocol } from '../host/port-protocol.ts'
import { type EndpointMaker, entryWithLabels, portOf, type TargetPort } from './endpoint-maker.ts'
import { EntryService } from './entry-service.ts'
import type { MeshEndpoint, MeshService, MeshServicePort, WorkloadTarget } from './mesh-service.ts'
import { exportedBy, originOf } from './precedence.ts'
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
  addEntries(sources, services, problems)
  return { services: [...services.values()], problems }
}

/** Entries of one namespace for one host are one service, with the ports and endpoints of them all, as in Istio. */
function addEntries(sources: ServiceSources, services: Map<string, MeshService>, problems: Problem[]): void {
  const entries = new Map<string, ConfigObjectOf<'ServiceEntry'>[]>()
  for (const object of sources.entries)
    for (const { value, position } of object.spec.hosts) {
      const key = `${object.namespace}/${value}`
      const group = entries.get(key) ?? []
      const first = group[0] ?? services.get(key)?.origins[0]
      const mergeable = group[0] !== undefined && group[0].spec.resolution === object.spec.resolution
      if (!first || mergeable) {
        entries.set(key, [...group, object])
        continue
      }
      const why = group[0] ? ' with another resolution' : ''
      const message = `the host "${value}" is defined before${why}, by ${first.kind} ${first.namespace}/${first.name}, which is used`
      const name = `ServiceEntry ${object.namespace}/${object.name}`
      problems.push({ code: 'WEFT-1108', severity: 'warning', object: name, path: 'spec.hosts', message, position })
    }
  const { directory, maker, meshConfig } = sources
  for (const [key, objects] of entries) {
    const host = key.slice(key.indexOf('/') + 1)
    services.set(key, new EntryService(host, objects, directory, maker, meshConfig))
  }
}

function ofKubernetes(
  object: ConfigObjectOf<'Service'>,
  { directory, maker, meshConfig }: ServiceSources,
): MeshService {
  const { spec, namespace, name } = object
  const targets = new Map<number, TargetPort>(spec.ports.map(port => [port.number, port.targetPort]))
  const { selector } = spec
  const workloads = selector ? directory.select(namespace, selector) : directory.ofService(namespace, name)
  const entries = selector ? directory.selectEntries(namespace, selector) : []
  return new WorkloadService(
    {
      host: `${name}.${namespace}.svc.${meshConfig.domainSuffix}`,
      name,
      namespace,
      ports: spec.ports.map(({ number, name: portName, protocol }) => ({ number, name: portName, protocol })),
      addresses: spec.addresses,
      headless: spec.headless,
      exportTo: exportedBy(spec.exportTo, meshConfig.defaultServiceExportTo, namespace),
      origins: [originOf(object)],
    },
    { workloads, entries: entries.filter(entry => isIpAddress(entry.spec.address)).map(named) },
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
      ports: ports.map(port => ({ number: port.number, name: port.name, protocol: registeredProtocol(port) })),
      addresses: [],
      headless: false,
      exportTo: exportedBy([], meshConfig.defaultServiceExportTo, namespace),
      origins: [{ kind: 'RegistryService', namespace, name }],
    },
    { workloads: directory.ofService(namespace, name), entries: [] },
    port => targets.get(port.number) ?? port.number,
    false,
    maker,
  )
}

type Description = Omit<MeshService, 'endpoints' | 'targets' | 'subjectAltNames' | 'external' | 'resolution' | 'key'>

/** What a selector finds. */
interface Members {
  readonly workloads: readonly Workload[]
  readonly entries: readonly { readonly name: string; readonly entry: WorkloadEntry }[]
}

function named(object: ConfigObjectOf<'WorkloadEntry'>) {
  return { name: object.name, entry: entryWithLabels(object) }
}

/** A service whose endpoints are registered workloads, and WorkloadEntries with an address of their own. */
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
  readonly #members: Members
  readonly #target: (port: MeshServicePort) => TargetPort
  readonly #publishNotReady: boolean
  readonly #maker: EndpointMaker
  readonly #endpoints = new Map<number, readonly MeshEndpoint[]>()

  constructor(
    description: Description,
    members: Members,
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
    this.#members = members
    this.#target = target
    this.#publishNotReady = publishNotReady
    this.#maker = maker
  }

  endpoints(port: MeshServicePort): readonly MeshEndpoint[] {
    let endpoints = this.#endpoints.get(port.number)
    if (!endpoints) {
      const { workloads, entries } = this.#members
      const target = this.#target(port)
      const ready = workloads.filter(workload => workload.healthy || this.#publishNotReady)
      endpoints = [
        ...ready.flatMap(workload => this.#maker.ofWorkload(workload, target, port.name) ?? []),
        ...entries.flatMap(({ name, entry }) => this.#maker.ofEntry(entry, this.namespace, name, port, target) ?? []),
      ]
      this.#endpoints.set(port.number, endpoints)
    }
    return endpoints
  }

  targets(port: MeshServicePort): readonly WorkloadTarget[] {
    const target = this.#target(port)
    return this.#members.workloads.flatMap(workload => {
      const own = portOf(workload, target, port.name)
      return own ? [{ workload, port: own }] : []
    })
  }

  /** Of all its workloads, well or not: health comes and goes, and must not change the cluster. */
  subjectAltNames(): readonly string[] {
    const { workloads, entries } = this.#members
    const accounts = entries.map(({ entry }) => entry.serviceAccount).filter(account => account !== '')
    const names = [...workloads.map(workload => workload.serviceAccount), ...accounts]
    return [...new Set(names.map(name => this.#maker.identityOf(this.namespace, name)))].sort()
  }
}
