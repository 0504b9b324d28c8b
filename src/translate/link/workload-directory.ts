// Who may stand behind a service: registered workloads, and WorkloadEntries.
import type { ConfigObjectOf } from '../../model/config-object.ts'
import type { Workload } from '../../model/workload.ts'
import { LabelIndex } from './label-selector.ts'
import { compare } from './precedence.ts'

export class WorkloadDirectory {
  readonly #workloads = new Map<string, LabelIndex<Workload>>()
  readonly #entries = new Map<string, LabelIndex<ConfigObjectOf<'WorkloadEntry'>>>()
  readonly #byService = new Map<string, Workload[]>()
  readonly all: readonly Workload[]

  constructor(workloads: readonly Workload[], entries: readonly ConfigObjectOf<'WorkloadEntry'>[]) {
    this.all = [...workloads].sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name))
    for (const workload of this.all) {
      indexOf(this.#workloads, workload.namespace, item => item.labels).add(workload)
      const key = `${workload.namespace}/${workload.service}`
      const list = this.#byService.get(key)
      if (list) list.push(workload)
      else this.#byService.set(key, [workload])
    }
    // Istio selects by the labels of the spec; those of the metadata count too in practice (they are merged).
    for (const entry of entries)
      indexOf(this.#entries, entry.namespace, item => ({ ...item.labels, ...item.spec.labels })).add(entry)
  }

  select(namespace: string, selector: Readonly<Record<string, string>>): readonly Workload[] {
    return this.#workloads.get(namespace)?.select(selector) ?? []
  }

  selectEntries(
    namespace: string,
    selector: Readonly<Record<string, string>>,
  ): readonly ConfigObjectOf<'WorkloadEntry'>[] {
    return this.#entries.get(namespace)?.select(selector) ?? []
  }

  ofService(namespace: string, service: string): readonly Workload[] {
    return this.#byService.get(`${namespace}/${service}`) ?? []
  }
}

function indexOf<T>(
  indexes: Map<string, LabelIndex<T>>,
  namespace: string,
  labelsOf: (item: T) => Readonly<Record<string, string>>,
): LabelIndex<T> {
  let index = indexes.get(namespace)
  if (!index) {
    index = new LabelIndex(labelsOf)
    indexes.set(namespace, index)
  }
  return index
}
