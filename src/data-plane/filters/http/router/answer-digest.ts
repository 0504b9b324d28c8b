// As much of an answer as is compared with another: its status, the headers that count, and what its body hashes to.
import { createHash, type Hash } from 'node:crypto'
import type { HeaderList } from '../../../../transport/header-list.ts'
import type { ResponseHead } from '../../../../transport/request-head.ts'
import type { ComparisonPolicy } from '../../../route/comparison-policy.ts'

export const GRPC_STATUS = 'grpc-status'

export class AnswerDigest {
  /** Whose answer it is. */
  cluster = ''
  status = 0
  /** Name, value, name, value: of the head, and of trailers what gRPC's clients go by. */
  readonly fields: string[] = []
  bytes = 0
  state: 'open' | 'whole' | 'lost' = 'open'
  readonly #policy: ComparisonPolicy
  readonly #hash: Hash | null
  #hex: string | null = null

  constructor(policy: ComparisonPolicy) {
    this.#policy = policy
    this.#hash = policy.maxBodyBytes > 0 ? createHash('sha256') : null
  }

  /** Its body is longer than what is looked at: of the hash only the beginning is known. */
  get isCut(): boolean {
    return this.#hash !== null && this.bytes > this.#policy.maxBodyBytes
  }

  onHead(head: ResponseHead, cluster: string): void {
    this.cluster = cluster
    this.status = head.status
    for (let i = 0; i < head.headers.length; i += 2) this.#take(head.headers[i]!, head.headers[i + 1]!)
  }

  onBody(chunk: Buffer): void {
    if (this.#hash === null || this.state !== 'open') return
    const room = this.#policy.maxBodyBytes - this.bytes
    if (room > 0) this.#hash.update(chunk.length <= room ? chunk : chunk.subarray(0, room))
    this.bytes += chunk.length
  }

  end(trailers: HeaderList | null): void {
    if (trailers !== null)
      for (let i = 0; i < trailers.length; i += 2)
        if (trailers[i]!.startsWith('grpc-')) this.#take(trailers[i]!, trailers[i + 1]!)
    if (this.state === 'open') this.state = 'whole'
  }

  lose(): void {
    if (this.state === 'open') this.state = 'lost'
  }

  /** A gRPC status counts whatever was chosen, and stands in the head where there is nothing else (gRPC's Trailers-Only). */
  #take(name: string, value: string): void {
    const { headers, ignored } = this.#policy
    const counts = headers === null || name === GRPC_STATUS ? !ignored.has(name) : headers.has(name)
    if (counts) this.fields.push(name, value)
  }

  /** When it has ended; empty where bodies are not looked at. */
  hash(): string {
    this.#hex ??= this.#hash === null ? '' : this.#hash.digest('hex')
    return this.#hex
  }
}
