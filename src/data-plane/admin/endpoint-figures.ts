// What /clusters tells of endpoints that each event loop counts, or finds out, by itself; and how the loops' are added up.
import type { Cluster, Endpoint } from '../cluster/cluster.ts'

/** Of some endpoints of one event loop: structured-cloneable. */
export interface FigureBatch {
  /** `cluster::endpoint` */
  readonly keys: readonly string[]
  /** So many of each endpoint as there are FIGURES, and its ejection. */
  readonly values: Float64Array
}

const FIGURES = ['cx_active', 'cx_connect_fail', 'cx_total', 'rq_active', 'rq_error', 'rq_success', 'rq_total'] as const
const EJECTIONS: readonly Endpoint['ejection'][] = ['closed', 'half-open', 'open']
const SIZE = FIGURES.length + 1
const ENDPOINTS_OF_A_BATCH = 500
const NOTHING = new Float64Array(SIZE)

export function* figureBatches(clusters: readonly Cluster[]): Generator<FigureBatch> {
  let keys: string[] = []
  let values: number[] = []
  for (const cluster of clusters) {
    for (const endpoint of cluster.endpoints) {
      keys.push(keyOf(cluster, endpoint))
      values.push(...valuesOf(endpoint), EJECTIONS.indexOf(endpoint.ejection))
      if (keys.length < ENDPOINTS_OF_A_BATCH) continue
      yield { keys, values: Float64Array.from(values) }
      keys = []
      values = []
    }
  }
  if (keys.length > 0) yield { keys, values: Float64Array.from(values) }
}

/** Of the event loops beside the one whose endpoints are asked about. */
export class EndpointFigures {
  readonly #others = new Map<string, Float64Array>()

  add({ keys, values }: FigureBatch): void {
    for (const [i, key] of keys.entries()) {
      const more = values.subarray(i * SIZE, (i + 1) * SIZE)
      const known = this.#others.get(key)
      if (known === undefined) this.#others.set(key, more)
      else addTo(known, more)
    }
  }

  /** In the order of their names. */
  of(cluster: Cluster, endpoint: Endpoint): [name: string, value: number][] {
    const others = this.#of(cluster, endpoint)
    return valuesOf(endpoint).map((value, i) => [FIGURES[i]!, value + others[i]!])
  }

  /** Each event loop judges by what it sees itself; the page tells of the worst. */
  ejectionOf(cluster: Cluster, endpoint: Endpoint): Endpoint['ejection'] {
    const worst = Math.max(EJECTIONS.indexOf(endpoint.ejection), this.#of(cluster, endpoint)[FIGURES.length]!)
    return EJECTIONS[worst]!
  }

  #of(cluster: Cluster, endpoint: Endpoint): Float64Array {
    return this.#others.get(keyOf(cluster, endpoint)) ?? NOTHING
  }
}

function addTo(known: Float64Array, more: Float64Array): void {
  for (let i = 0; i < FIGURES.length; i++) known[i]! += more[i]!
  known[FIGURES.length] = Math.max(known[FIGURES.length]!, more[FIGURES.length]!)
}

function keyOf({ name }: Cluster, { key }: Endpoint): string {
  return `${name}::${key}`
}

/** In the order of FIGURES. */
function valuesOf({ stats, activeRequests }: Endpoint): number[] {
  return [
    stats.connectionsActive,
    stats.connectFailures,
    stats.connectionsTotal,
    activeRequests,
    stats.requestsError,
    stats.requestsSuccess,
    stats.requestsTotal,
  ]
}
