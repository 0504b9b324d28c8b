// Whether a mirror answers as the client was answered. Whichever of the two answers ends last is followed by the verdict;
// neither waits for the other, and of neither more is kept than a digest.
import type { Clock } from '../../../../base/clock.ts'
import { getHeader } from '../../../../transport/header-list.ts'
import type { RequestHead } from '../../../../transport/request-head.ts'
import type { ComparisonStats } from '../../../cluster/comparison-stats.ts'
import type { MirrorDifferences, ValuePair } from '../../../mirror-differences.ts'
import type { ComparisonPolicy } from '../../../route/comparison-policy.ts'
import { AnswerDigest, GRPC_STATUS } from './answer-digest.ts'

export interface ComparedRequest {
  readonly head: RequestHead
  readonly path: string
  readonly route: string
}

const MAX_VALUE_CHARACTERS = 200
const MAX_FIELDS_SHOWN = 20
const SHOWN_HASH_CHARACTERS = 16
const HIDDEN = '(not shown)'

export class AnswerComparison {
  readonly mirror: AnswerDigest
  readonly #answer: AnswerDigest
  readonly #policy: ComparisonPolicy
  readonly #request: ComparedRequest
  readonly #stats: ComparisonStats
  readonly #differences: MirrorDifferences
  readonly #clock: Clock
  #over = false

  /** `answer`: the client's. */
  constructor(
    answer: AnswerDigest,
    policy: ComparisonPolicy,
    stats: ComparisonStats,
    request: ComparedRequest,
    differences: MirrorDifferences,
    clock: Clock,
  ) {
    this.mirror = new AnswerDigest(policy)
    this.#answer = answer
    this.#policy = policy
    this.#stats = stats
    this.#request = request
    this.#differences = differences
    this.#clock = clock
  }

  /** One of the two has ended, or will not. */
  settle(): void {
    const { mirror } = this
    const answer = this.#answer
    if (this.#over || answer.state === 'open' || mirror.state === 'open') return
    this.#over = true
    if (answer.state === 'lost' || mirror.state === 'lost') this.#stats.notComparable.value++
    else this.#compare(answer, mirror)
  }

  #compare(answer: AnswerDigest, mirror: AnswerDigest): void {
    const stats = this.#stats
    const status = answer.status === mirror.status ? null : pair(String(answer.status), String(mirror.status))
    const headers = differingFields(answer, mirror, this.#policy)
    const headersDiffer = Object.keys(headers).length > 0
    const body = differingBodies(answer, mirror)
    if (status !== null) stats.statusDiffers.value++
    if (headersDiffer) stats.headersDiffer.value++
    if (body !== null) stats.bodyDiffers.value++
    if (status === null && !headersDiffer && body === null) {
      if (answer.isCut) stats.notComparable.value++
      else stats.match.value++
      return
    }
    const { head, path, route } = this.#request
    const query = path.indexOf('?')
    this.#differences.add({
      at: this.#clock.wallNow(),
      route,
      upstream: answer.cluster,
      mirror: mirror.cluster,
      method: head.method,
      path: shown(query < 0 ? path : path.slice(0, query)),
      requestId: shown(getHeader(head.headers, 'x-request-id') ?? ''),
      status,
      headers,
      body,
    })
  }
}

/** Any header may be what a client is known by: only of those that somebody has chosen are the values shown. */
function differingFields(
  answer: AnswerDigest,
  mirror: AnswerDigest,
  policy: ComparisonPolicy,
): Record<string, ValuePair> {
  const [ours, theirs] = [byName(answer.fields), byName(mirror.fields)]
  const found: [string, ValuePair][] = []
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [a = '', b = ''] = [ours.get(name), theirs.get(name)]
    if (a === b || found.length === MAX_FIELDS_SHOWN) continue
    const isShown = name === GRPC_STATUS || policy.headers?.has(name)
    found.push([shown(name), isShown ? pair(shown(a), shown(b)) : pair(a && HIDDEN, b && HIDDEN)])
  }
  return Object.fromEntries(found)
}

/** Several fields of one name are one list (RFC 9110 5.3), whatever stands between them. */
function byName(fields: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const before = values.get(name)
    values.set(name, before === undefined ? fields[i + 1]! : `${before}, ${fields[i + 1]}`)
  }
  return values
}

/** Of bodies that go on beyond what is looked at the length is known all the same. */
function differingBodies(answer: AnswerDigest, mirror: AnswerDigest): ValuePair | null {
  const [ours, theirs] = [answer.hash(), mirror.hash()]
  if (ours === theirs && answer.bytes === mirror.bytes) return null
  return pair(describeBody(answer, ours), describeBody(mirror, theirs))
}

function describeBody({ bytes }: AnswerDigest, hash: string): string {
  return `${bytes} bytes, sha256 ${hash.slice(0, SHOWN_HASH_CHARACTERS)}`
}

function pair(answer: string, mirror: string): ValuePair {
  return { answer, mirror }
}

function shown(text: string): string {
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}...` : text
}
