// Length-prefixed message of the gRPC wire protocol: not compressed, and its length.

const PREFIX_BYTES = 5

export function frameMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length)
  frame[0] = 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, PREFIX_BYTES)
  return frame
}

/** The one message of a complete answer; null when that is anything else. */
export function onlyMessage(answer: Buffer | null): Buffer | null {
  if (answer === null || answer.length < PREFIX_BYTES || answer[0] !== 0) return null
  return answer.readUInt32BE(1) === answer.length - PREFIX_BYTES ? answer.subarray(PREFIX_BYTES) : null
}
