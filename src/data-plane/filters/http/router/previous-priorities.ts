// Where a stream's next try may go when its policy leaves tried priorities out: Envoy's previous_priorities. Its locality may
// be what is broken.
import type { Cluster, Endpoint, Picker } from '../../../cluster/cluster.ts'

export class PreviousPriorities {
  readonly #frequency: number
  #tried: Endpoint[] = []
  #excluded: number[] = []

  /** `frequency`: how many tries a priority, or what is left of them, is worth. */
  constructor(frequency: number) {
    this.#frequency = frequency
  }

  add(endpoint: Endpoint): void {
    this.#tried.push(endpoint)
  }

  pickerOf(cluster: Cluster): Picker {
    const tried = this.#tried
    if (tried.length < this.#frequency) return cluster.picker
    if (tried.length % this.#frequency === 0)
      for (const { priority } of tried) if (!this.#excluded.includes(priority)) this.#excluded.push(priority)
    const picker = cluster.pickerWithout(this.#excluded)
    if (picker !== null) return picker
    // It has been everywhere, and begins again.
    this.#tried = []
    this.#excluded = []
    return cluster.picker
  }
}
