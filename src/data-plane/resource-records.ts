// What was delivered, accepted and refused, by type and name: what /config_dump prints.
import type { Clock } from '../base/clock.ts'
import { formatProblem, type Problem } from '../base/problem.ts'
import { type ResourceMessage, resourceKind, resourceName } from '../xds/resource-message.ts'
import type { ResourceType } from '../xds/type-url.ts'

export interface AcceptedResource {
  readonly message: ResourceMessage
  readonly version: string
  /** Epoch milliseconds. */
  readonly updatedAt: number
}

export interface RefusedResource {
  readonly message: ResourceMessage
  readonly at: number
  readonly details: string
}

interface Delivery {
  accepted: AcceptedResource | null
  refused: RefusedResource | null
}

export class ResourceRecords {
  readonly #clock: Clock
  readonly #records = new Map<ResourceType, Map<string, Delivery>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A message with a problem of its name is refused; the one before it stays the accepted one. */
  note(
    type: ResourceType,
    messages: readonly ResourceMessage[],
    removed: readonly string[],
    problems: readonly Problem[],
    versions: ReadonlyMap<string, string>,
  ): void {
    const records = this.#of(type)
    const at = this.#clock.wallNow()
    for (const name of removed) records.delete(name)
    const errors = Map.groupBy(problems, ({ severity, object }) => (severity === 'error' ? object : undefined))
    for (const message of messages) {
      const name = resourceName(message)
      const faults = errors.get(`${resourceKind(type)} ${name}`) ?? []
      const before = records.get(name)?.accepted ?? null
      const accepted = { message, version: versions.get(name) ?? '', updatedAt: at }
      const details = faults.map(formatProblem).join('\n')
      records.set(
        name,
        faults.length === 0 ? { accepted, refused: null } : { accepted: before, refused: { message, at, details } },
      )
    }
  }

  accepted(type: ResourceType): readonly AcceptedResource[] {
    return [...this.#of(type).values()].flatMap(record => (record.accepted ? [record.accepted] : []))
  }

  /** Names with what was accepted and what was refused last, in the order of names. */
  entries(type: ResourceType): readonly (readonly [string, Readonly<Delivery>])[] {
    return [...this.#of(type)].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #of(type: ResourceType): Map<string, Delivery> {
    let records = this.#records.get(type)
    if (!records) {
      records = new Map()
      this.#records.set(type, records)
    }
    return records
  }
}
