// Chooses among all, those on probation included, as their policy has it; and among the others when one of them is chosen
// that has as many requests as it may.
import type { Endpoint, PickContext, Picker } from './cluster.ts'

export class ProbationPicker implements Picker {
  readonly #all: Picker
  readonly #trusted: Picker

  constructor(all: Picker, trusted: Picker) {
    this.#all = all
    this.#trusted = trusted
  }

  pick(context: PickContext): Endpoint | null {
    const endpoint = this.#all.pick(context)
    if (endpoint === null || endpoint.monitor === null || endpoint.monitor.admits) return endpoint
    return this.#trusted.pick(context)
  }
}
