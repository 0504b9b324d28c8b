// A response's trailers as the last frame of its body: what a browser can read of them.
import type { HeaderList } from '../../../../transport/header-list.ts'

/** The flag that tells this frame from messages. */
const TRAILERS = 0x80

export function trailersFrame(trailers: HeaderList): Buffer {
  let text = ''
  for (let i = 0; i < trailers.length; i += 2) text += `${trailers[i]}:${trailers[i + 1]}\r\n`
  const frame = Buffer.allocUnsafe(5 + text.length)
  frame[0] = TRAILERS
  frame.writeUInt32BE(text.length, 1)
  frame.write(text, 5, 'latin1')
  return frame
}
