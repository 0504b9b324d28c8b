// What an encoder remembers of a field name: where it stands in the tables, and the values it was last sent with.
import { STATIC_FIELDS } from './static-table.ts'

/** How a name's values are sent. */
export const SENDING = {
  /** Put into the table when it is seen again. */
  adaptive: 0,
  /** RFC 7541 7.1.3: a short secret could be guessed by what its repetition saves; it never enters a table. */
  secret: 1,
  /** RFC 9113 8.2.2: means something to one HTTP/1.1 connection only, and is not passed on. */
  never: 2,
} as const

const SECRETS = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie'])
/** `host` too: it is `:authority`. */
const CONNECTION_FIELDS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'host',
])

const REMEMBERED_VALUES = 4

/** What can be known of a name before it is sent. */
interface FixedName {
  readonly sending: number
  /** Of an entry of the static table with this name; 0: none. */
  readonly staticIndex: number
  readonly values: readonly string[]
  readonly marks: readonly number[]
}

const UNKNOWN: FixedName = { sending: SENDING.adaptive, staticIndex: 0, values: [], marks: [] }
const FIXED: ReadonlyMap<string, FixedName> = new Map(
  [...STATIC_FIELDS.map(field => field[0]), ...SECRETS, ...CONNECTION_FIELDS].map(name => [name, fixedName(name)]),
)

function fixedName(name: string): FixedName {
  const sending = SECRETS.has(name) ? SENDING.secret : CONNECTION_FIELDS.has(name) ? SENDING.never : SENDING.adaptive
  const values: string[] = []
  const marks: number[] = []
  for (const [index, field] of STATIC_FIELDS.entries()) {
    if (field[0] !== name || field[1] === '') continue
    values.push(field[1])
    marks.push(-1 - index)
  }
  return { sending, staticIndex: 1 + STATIC_FIELDS.findIndex(field => field[0] === name), values, marks }
}

export class KnownName {
  readonly sending: number
  /** Of an entry of the static table with this name; 0: none. */
  readonly staticIndex: number
  readonly values: string[]
  /** For each value: number of its insertion into the dynamic table; 0: seen once; below 0: minus its static index. */
  readonly marks: number[]
  /** Number of an insertion under this name, for those that the static table lacks; 0: none yet. */
  nameMark = 0
  readonly #firstFree: number
  #next: number

  constructor(name: string) {
    const fixed = FIXED.get(name) ?? UNKNOWN
    this.sending = fixed.sending
    this.staticIndex = fixed.staticIndex
    this.values = fixed.values.slice()
    this.marks = fixed.marks.slice()
    this.#firstFree = this.values.length
    this.#next = this.#firstFree
  }

  /** Where `value` stands among the remembered, or -1. */
  find(value: string): number {
    const values = this.values
    for (let i = 0; i < values.length; i++) if (values[i] === value) return i
    return -1
  }

  /** Remembers a value that was seen once, in place of the one that was remembered longest. */
  remember(value: string): void {
    this.values[this.#next] = value
    this.marks[this.#next] = 0
    this.#next++
    if (this.#next === this.#firstFree + REMEMBERED_VALUES) this.#next = this.#firstFree
  }
}
