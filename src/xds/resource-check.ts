// Gathers every problem of one xDS resource, and finds the fields that nobody honours: nothing is silently ignored.
import { type DescField, type DescMessage, isFieldSet, type Message, type MessageShape } from '@bufbuild/protobuf'
import { isReflectMessage, reflect } from '@bufbuild/protobuf/reflect'
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt'
import type { Parsed, Problem } from '../base/problem.ts'
import type { ProblemCode } from '../base/problem-table.ts'

export class ResourceCheck {
  readonly #object: string
  readonly #problems: Problem[] = []

  /** `object` names the resource: `RouteConfiguration http_proxy`. */
  constructor(object: string) {
    this.#object = object
  }

  get problems(): readonly Problem[] {
    return this.#problems
  }

  /** A value that is missing, out of range or contradictory, unless `code` says otherwise. */
  error(path: string, message: string, code: ProblemCode = 'WEFT-4002', hint?: string): void {
    this.#problems.push({
      code,
      severity: 'error',
      object: this.#object,
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
    })
  }

  /** Takes over what a compiler of a part found, below `path`. */
  adopt(path: string, problems: readonly Problem[]): void {
    for (const problem of problems) {
      const own = problem.path ? join(path, problem.path) : path
      this.#problems.push({ ...problem, object: this.#object, path: own })
    }
  }

  /** The same where the paths begin at the resource already. */
  adoptWhole(problems: readonly Problem[]): void {
    for (const problem of problems) this.#problems.push({ ...problem, object: this.#object })
  }

  unsupported(path: string, why = 'is not supported'): void {
    this.error(path, why, 'WEFT-4001')
  }

  /**
   * Reports every field set in `message` whose name, as the .proto spells it, is not in `honoured`. Fields newer than the
   * generated messages are reported by number. Durations are all spans of time ahead, as in Envoy.
   */
  honour<D extends DescMessage>(
    schema: D,
    message: MessageShape<D>,
    path: string,
    honoured: ReadonlySet<string>,
  ): void {
    for (const field of schema.fields) {
      if (!honoured.has(field.name)) {
        if (isFieldSet(message, field)) this.unsupported(join(path, field.name))
      } else if (field.message === DurationSchema && isNegative(message, field))
        this.error(join(path, field.name), 'must not be negative')
    }
    for (const unknown of message.$unknown ?? []) this.unsupported(join(path, `#${unknown.no}`), 'is not known')
  }

  /** The value, or every problem found on the way. */
  result<T>(value: T): Parsed<T> {
    if (this.#problems.length > 0) return { ok: false, problems: this.#problems }
    return { ok: true, value }
  }
}

/** Milliseconds with a fraction; `fallback` when absent. */
export function durationMs(duration: Duration | undefined, fallback: number): number {
  return duration === undefined ? fallback : Number(duration.seconds) * 1000 + duration.nanos / 1_000_000
}

function isNegative(message: Message, field: DescField): boolean {
  const value = isFieldSet(message, field) ? reflect(field.parent, message).get(field) : undefined
  if (!isReflectMessage(value)) return false
  const { seconds, nanos } = value.message as Duration
  return seconds < 0n || nanos < 0
}

function join(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`
}
