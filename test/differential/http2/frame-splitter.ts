// Bytes to whole frames, in whatever pieces they come.
import { FRAME_HEADER_BYTES } from '../../../src/transport/http2/frame.ts'
import { type ReadFrame, readFrames } from '../../../src/transport/http2/testing/raw-frames.ts'

export class FrameSplitter {
  readonly #onFrame: (frame: ReadFrame) => void
  #bytes: Buffer = Buffer.alloc(0)

  constructor(onFrame: (frame: ReadFrame) => void) {
    this.#onFrame = onFrame
  }

  add(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    for (;;) {
      if (this.#bytes.length < FRAME_HEADER_BYTES) return
      const length = FRAME_HEADER_BYTES + this.#bytes.readUIntBE(0, 3)
      if (this.#bytes.length < length) return
      const [frame] = readFrames(this.#bytes.subarray(0, length))
      this.#bytes = this.#bytes.subarray(length)
      this.#onFrame(frame!)
    }
  }
}
