// gRPC bytes as base64, each frame padded by itself, as grpc-web-text has it: a client can decode frame by frame.

const PREFIX_BYTES = 5
const NONE = Buffer.alloc(0)

export class FrameEncoder {
  #prefix = 0
  #length = 0
  #left = 0
  /** Up to two bytes that wait for a third. */
  #waiting: Buffer = NONE

  /** All of `chunk` that can be told yet. */
  encode(chunk: Buffer): Buffer {
    let text = ''
    let start = 0
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        this.#left -= taken
        at += taken
      } else {
        this.#length = this.#prefix === 0 ? 0 : this.#length * 256 + chunk[at]!
        at++
        if (++this.#prefix === PREFIX_BYTES) {
          this.#prefix = 0
          this.#left = this.#length
        }
      }
      if (this.#left > 0 || this.#prefix > 0) continue
      text += this.#join(chunk.subarray(start, at)).toString('base64')
      this.#waiting = NONE
      start = at
    }
    const rest = this.#join(chunk.subarray(start))
    const whole = rest.length - (rest.length % 3)
    text += rest.toString('base64', 0, whole)
    // Copied: the bytes may lie in a read buffer that is used again.
    this.#waiting = whole === rest.length ? NONE : Buffer.from(rest.subarray(whole))
    return Buffer.from(text, 'latin1')
  }

  /** What waits still, where the bytes end within a frame. */
  finish(): Buffer {
    const text = this.#waiting.toString('base64')
    this.#waiting = NONE
    return Buffer.from(text, 'latin1')
  }

  #join(bytes: Buffer): Buffer {
    return this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes])
  }
}
