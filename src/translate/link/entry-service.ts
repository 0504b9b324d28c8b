// The service that ServiceEntries of one namespace define for one host.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import { NO_LOCALITY } from '../../model/locality.ts'
import type { MeshConfig } from '../../model/mesh-config.ts'
import type { Workload } from '../../model/workload.ts'
import type { WorkloadEntry } from '../../model/workload-entry.ts'
import { isIpAddress } from '../host/ip-address.ts'
import { type EndpointMaker, entryWithLabels, portOf } from './endpoint-maker.ts'
import type { MeshEndpoint, MeshService, MeshServicePort, WorkloadTarget } from './mesh-service.ts'
import { exportedBy, originOf } from './precedence.ts'
import type { WorkloadDirectory } from './workload-directory.ts'

type EntryObject = ConfigObjectOf<'ServiceEntry'>

/** What one object contributes. */
interface Part {
  readonly object: EntryObject
  readonly workloads: readonly Workload[]
  readonly entries: readonly { readonly name: string; readonly entry: WorkloadEntry }[]
}

export class EntryService implements MeshService {
  readonly host: string
  readonly name: string
  readonly namespace: string
  readonly ports: readonly MeshServicePort[]
  readonly addresses: readonly string[]
  readonly headless = false
  readonly external: boolean
  readonly resolution: MeshService['resolution']
  readonly exportTo: readonly string[]
  readonly origins: MeshService['origins']
  readonly key: string
  readonly #parts: readonly Part[]
  readonly #maker: EndpointMaker
  readonly #endpoints = new Map<number, readonly MeshEndpoint[]>()

  /** `objects`: at least one, in order of precedence; the first decides where they differ. */
  constructor(
    host: string,
    objects: readonly EntryObject[],
    directory: WorkloadDirectory,
    maker: EndpointMaker,
    { domainSuffix, defaultServiceExportTo }: MeshConfig,
  ) {
    const { spec, namespace } = objects[0]!
    this.host = host
    this.name = host.endsWith(`.svc.${domainSuffix}`) ? host.slice(0, host.indexOf('.')) : host
    this.namespace = namespace
    const ports = new Map<number, MeshServicePort>()
    for (const object of objects)
      for (const { number, name, protocol } of object.spec.ports)
        if (!ports.has(number)) ports.set(number, { number, name, protocol })
    this.ports = [...ports.values()]
    const addresses = objects.flatMap(object => object.spec.addresses)
    this.addresses = [...new Set(addresses.filter(address => !address.includes('/')))]
    this.external = spec.location === 'MESH_EXTERNAL'
    this.resolution = spec.resolution === 'STATIC' ? 'EDS' : spec.resolution
    this.exportTo = exportedBy(spec.exportTo, defaultServiceExportTo, namespace)
    this.origins = objects.map(originOf)
    this.key = `${namespace}/${host}`
    this.#parts = objects.map(object => partOf(object, host, directory))
    this.#maker = maker
  }

  endpoints(port: MeshServicePort): readonly MeshEndpoint[] {
    let endpoints = this.#endpoints.get(port.number)
    if (!endpoints) {
      endpoints = this.#parts.flatMap(part => this.#endpointsOf(part, port.number))
      this.#endpoints.set(port.number, endpoints)
    }
    return endpoints
  }

  #endpointsOf({ object, workloads, entries }: Part, number: number): readonly MeshEndpoint[] {
    const port = object.spec.ports.find(candidate => candidate.number === number)
    if (!port) return []
    const target = port.targetPort ?? port.number
    const ready = workloads.filter(workload => workload.healthy)
    return [
      ...ready.flatMap(workload => this.#maker.ofWorkload(workload, target, port.name) ?? []),
      ...entries.flatMap(({ name, entry }) => this.#maker.ofEntry(entry, this.namespace, name, port, target) ?? []),
    ]
  }

  targets({ number }: MeshServicePort): readonly WorkloadTarget[] {
    return this.#parts.flatMap(({ object, workloads }) => {
      const port = object.spec.ports.find(candidate => candidate.number === number)
      if (!port) return []
      return workloads.flatMap(workload => {
        const own = portOf(workload, port.targetPort ?? port.number, port.name)
        return own ? [{ workload, port: own }] : []
      })
    })
  }

  subjectAltNames(): readonly string[] {
    const names = new Set<string>()
    for (const { object, workloads, entries } of this.#parts) {
      for (const name of object.spec.subjectAltNames) names.add(name)
      for (const { serviceAccount } of workloads) names.add(this.#maker.identityOf(this.namespace, serviceAccount))
      for (const { entry } of entries)
        if (entry.serviceAccount !== '') names.add(this.#maker.identityOf(this.namespace, entry.serviceAccount))
    }
    return [...names].sort()
  }
}

function partOf(object: EntryObject, host: string, directory: WorkloadDirectory): Part {
  const { spec, namespace } = object
  if (spec.workloadSelector) {
    const entries = directory
      .selectEntries(namespace, spec.workloadSelector)
      .filter(entry => spec.resolution !== 'STATIC' || isIpAddress(entry.spec.address))
      .map(entry => ({ name: entry.name, entry: entryWithLabels(entry) }))
    return { object, workloads: directory.select(namespace, spec.workloadSelector), entries }
  }
  const inline = spec.endpoints.map(entry => ({ name: '', entry }))
  // DNS without endpoints resolves the host itself.
  const byName = spec.resolution === 'DNS' || spec.resolution === 'DNS_ROUND_ROBIN'
  const itself = byName && inline.length === 0 ? [{ name: '', entry: itselfAs(host, object) }] : []
  return { object, workloads: [], entries: [...inline, ...itself] }
}

function itselfAs(host: string, object: EntryObject): WorkloadEntry {
  const { position } = object
  const anywhere = { network: '', locality: NO_LOCALITY, weight: 1 }
  return { address: host, ports: {}, labels: {}, ...anywhere, serviceAccount: '', position }
}
