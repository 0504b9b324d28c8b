// Tries of a stream that took too long and were not given up: each has been repeated, and the first of all to answer well is
// the stream's.
import type { UpstreamRequest } from './upstream-request.ts'

export class HedgedTries {
  #tries: UpstreamRequest[] = []

  get count(): number {
    return this.#tries.length
  }

  add(request: UpstreamRequest): void {
    this.#tries.push(request)
  }

  has(request: UpstreamRequest): boolean {
    return this.#tries.includes(request)
  }

  giveUp(request: UpstreamRequest): void {
    this.#tries.splice(this.#tries.indexOf(request), 1)
    request.cancel()
  }

  giveUpAllBut(request: UpstreamRequest | null): void {
    const tries = this.#tries
    this.#tries = []
    for (let i = 0; i < tries.length; i++) if (tries[i] !== request) tries[i]!.cancel()
  }

  timeOut(): void {
    const tries = this.#tries
    this.#tries = []
    for (let i = 0; i < tries.length; i++) tries[i]!.timeOut(0)
  }
}
