// Blocks that sockets have not sent yet, the oldest first: a ring, as an array that gives up its first entry moves all
// others. TLS says that it has sent by the end of the event loop's turn.

/** As many connections as are answered in one turn, under full load. */
export const MAX_LENT_BLOCKS = 64

export interface Borrower {
  /** Bytes that the socket was given so far. */
  readonly handed: number
  /** Nobody reads the first `mark` of them any more. */
  hasSent(mark: number): boolean
}

export class LentBlocks {
  readonly #blocks: (Buffer | null)[] = new Array(MAX_LENT_BLOCKS).fill(null)
  readonly #borrowers: (Borrower | null)[] = new Array(MAX_LENT_BLOCKS).fill(null)
  /** Up to where a block is, of the bytes handed to its socket. */
  readonly #marks: number[] = new Array(MAX_LENT_BLOCKS).fill(0)
  #oldest = 0
  #count = 0

  /** All that `borrower` was handed so far may lie in the block. When there are too many, it is left to the collector. */
  lend(block: Buffer, borrower: Borrower): void {
    if (this.#count < MAX_LENT_BLOCKS) this.#append(block, borrower, borrower.handed)
  }

  /** The block that has waited longest, if it is sent; if not it waits again, behind the others. */
  reclaim(): Buffer | undefined {
    if (this.#count === 0) return undefined
    const from = this.#oldest
    const block = this.#blocks[from]!
    const borrower = this.#borrowers[from]!
    const mark = this.#marks[from]!
    this.#blocks[from] = null
    this.#borrowers[from] = null
    this.#oldest = (from + 1) % MAX_LENT_BLOCKS
    this.#count--
    if (borrower.hasSent(mark)) return block
    this.#append(block, borrower, mark)
    return undefined
  }

  #append(block: Buffer, borrower: Borrower, mark: number): void {
    const at = (this.#oldest + this.#count) % MAX_LENT_BLOCKS
    this.#blocks[at] = block
    this.#borrowers[at] = borrower
    this.#marks[at] = mark
    this.#count++
  }
}
