// As much of an answer as is compared with another: its status, the headers that count, and what its body hashes to.
import { createHash, type Hash } from 'node:crypto'
import { getHeader, type HeaderList } from '../../../../transport/header-list.ts'
import type { ResponseHead } from '../../../../transport/request-head.ts'
import type { ComparisonPolicy } from '../../../route/comparison-policy.ts'

export class AnswerDigest {
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

  onHead(head: ResponseHead): void {
    const { headers, ignored } = this.#policy
    this.status = head.status
    for (let i = 0; i < head.headers.length; i += 2) {
      const name = head.headers[i]!
      if (headers === null ? !ignored.has(name) : headers.has(name)) this.fields.push(name, head.headers[i + 1]!)
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#hash === null || this.state !== 'open') return
    const room = this.#policy.maxBodyBytes - this.bytes
    if (room > 0) this.#hash.update(chunk.length <= room ? chunk : chunk.subarray(0, room))
    this.bytes += chunk.length
  }

  end(trailers: HeaderList | null): void {
    const grpcStatus = trailers === null ? undefined : getHeader(trailers, 'grpc-status')
    if (grpcStatus !== undefined) this.fields.push('grpc-status', grpcStatus)
    if (this.state === 'open') this.state = 'whole'
  }

  lose(): void {
    if (this.state === 'open') this.state = 'lost'
  }

  /** When it has ended; empty where bodies are not looked at. */
  hash(): string {
    this.#hex ??= this.#hash === null ? '' : this.#hash.digest('hex')
    return this.#hex
  }
}
