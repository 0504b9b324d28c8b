// All that a running mesh knows, fetched once and parsed: what describe looks things up in.
import type { ConfigKind, ConfigObject, ConfigObjectOf } from '../../model/config-object.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload } from '../../model/workload.ts'
import { expandShortName, hostWithin } from '../../translate/host/host-name.ts'
import { parseConfig } from '../../translate/parse-config.ts'
import type { ConfigEntry, InstancesAnswer, ServicesAnswer } from '../client/api-answer.ts'
import type { ApiClient } from '../client/api-client.ts'

const DOMAIN_SUFFIX = 'cluster.local'

export class MeshView {
  readonly workloads: readonly Workload[]
  readonly services: readonly RegistryService[]
  readonly #objects: readonly ConfigObject[]

  private constructor(
    objects: readonly ConfigObject[],
    workloads: readonly Workload[],
    services: readonly RegistryService[],
  ) {
    this.#objects = objects
    this.workloads = workloads
    this.services = services
  }

  static async fetch(api: ApiClient): Promise<MeshView> {
    const [config, instances, services] = await Promise.all([
      api.get<{ objects: readonly ConfigEntry[] }>('/v1/config'),
      api.get<InstancesAnswer>('/v1/instances'),
      api.get<ServicesAnswer>('/v1/services'),
    ])
    const objects = config.objects.flatMap(
      entry => parseConfig([{ file: entry.file, text: entry.text }], { defaultNamespace: entry.namespace }).objects,
    )
    return new MeshView(objects, instances.instances, services.services)
  }

  objects<K extends ConfigKind>(kind: K): ConfigObjectOf<K>[] {
    return this.#objects.filter((object): object is ConfigObject & ConfigObjectOf<K> => object.kind === kind)
  }

  /** The host that a name in an object of `namespace` stands for, in full. */
  fullHost(host: string, namespace: string): string {
    return expandShortName(host, namespace, DOMAIN_SUFFIX)
  }

  /** Whether a host as written in an object of `namespace` names the service `fqdn`, or a wildcard that holds it. */
  names(host: string, namespace: string, fqdn: string): boolean {
    return hostWithin(fqdn, this.fullHost(host, namespace))
  }

  fqdn(service: { readonly name: string; readonly namespace: string }): string {
    return `${service.name}.${service.namespace}.svc.${DOMAIN_SUFFIX}`
  }

  /** Mode and name of what decides how peers speak to a workload: the narrowest that sets one. */
  peerAuthentication(workload: Workload): { readonly mode: string; readonly from: string } {
    const all = this.objects('PeerAuthentication').filter(each => each.spec.mode !== 'UNSET')
    const own = all.find(
      each =>
        each.namespace === workload.namespace &&
        each.spec.selector !== null &&
        selects(each.spec.selector, workload.labels),
    )
    const ofNamespace = all.find(each => each.namespace === workload.namespace && each.spec.selector === null)
    const ofMesh = all.find(each => each.namespace === 'istio-system' && each.spec.selector === null)
    const found = own ?? ofNamespace ?? ofMesh
    return found === undefined
      ? { mode: 'STRICT', from: 'the default of the mesh' }
      : { mode: found.spec.mode, from: `${found.namespace}/${found.name}` }
  }
}

export function selects(selector: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}
