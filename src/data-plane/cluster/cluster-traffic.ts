// Whether the process has ever connected to a cluster, by whichever of its event loops: what no_traffic_interval goes by.
import type { Cell } from '../process-limits/process-limits.ts'

const NONE = 0
const SOME = 1

export class ClusterTraffic {
  readonly #cell: Cell

  /** `cell`: one that begins with 0. */
  constructor(cell: Cell) {
    this.#cell = cell
  }

  get hasBegun(): boolean {
    return this.#cell.value === SOME
  }

  begin(): void {
    this.#cell.replace(NONE, SOME)
  }

  /** A cluster of the same name that comes later begins without. */
  release(): void {
    this.#cell.release()
  }
}
