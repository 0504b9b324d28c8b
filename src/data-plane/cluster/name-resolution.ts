// Keeps a DNS cluster's endpoints current: resolves at once and again after every interval; keeps what it last knew when
// a name does not resolve.
import type { Clock, Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { AddressChoice } from '../../transport/net/lookup-network.ts'
import type { Network } from '../../transport/net/network.ts'
import type { EndpointSpec } from './endpoint-spec.ts'

export interface NameResolutionHost {
  readonly clock: Clock
  readonly log: Log
  readonly network: Network
}

export interface ResolvedNames {
  readonly endpoints: readonly EndpointSpec[]
  readonly refreshMs: number
  readonly choose: AddressChoice
  /** False: only the first address of each name (LOGICAL_DNS). */
  readonly all: boolean
}

/** By name. */
export type ResolvedAddresses = ReadonlyMap<string, readonly string[]>

export class NameResolution {
  readonly #host: NameResolutionHost
  readonly #names: ResolvedNames
  readonly #publish: (endpoints: readonly EndpointSpec[]) => void
  readonly #known: Map<string, readonly string[]>
  #timer: Timer | null = null
  #stopped = false

  /** `known`: what the cluster's version before has found out; with it no request falls into the time of a look-up. */
  constructor(
    host: NameResolutionHost,
    names: ResolvedNames,
    known: ResolvedAddresses,
    publish: (endpoints: readonly EndpointSpec[]) => void,
  ) {
    this.#host = host
    this.#names = names
    this.#publish = publish
    const wanted = new Set(names.endpoints.map(({ address }) => address))
    this.#known = new Map([...known].filter(([name]) => wanted.has(name)))
    if (this.#known.size > 0) this.#publishKnown()
    void this.#resolve()
  }

  get known(): ResolvedAddresses {
    return this.#known
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #resolve(): Promise<void> {
    await Promise.all(
      [...new Set(this.#names.endpoints.map(({ address }) => address))].map(name => this.#resolveName(name)),
    )
    if (this.#stopped) return
    this.#publishKnown()
    this.#timer = this.#host.clock.setTimer(this.#names.refreshMs, () => void this.#resolve())
  }

  #publishKnown(): void {
    this.#publish(this.#names.endpoints.flatMap(spec => this.#addressesOf(spec)))
  }

  async #resolveName(name: string): Promise<void> {
    try {
      this.#known.set(name, await this.#host.network.resolve(name))
    } catch (error) {
      this.#host.log.warn('name does not resolve', {
        name,
        error: error instanceof Error ? error.message : String(error),
      })
    }
  }

  #addressesOf(spec: EndpointSpec): EndpointSpec[] {
    const addresses = this.#names.choose(this.#known.get(spec.address) ?? [])
    return (this.#names.all ? addresses : addresses.slice(0, 1)).map(address => ({
      ...spec,
      address,
      hostname: spec.hostname || spec.address,
    }))
  }
}
