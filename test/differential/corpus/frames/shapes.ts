// Frames of wrong sizes, and padding that is none.
import { FLAG, FRAME } from '../../../../src/transport/http2/frame.ts'
import { data, frame, uint32 } from '../../../../src/transport/http2/testing/raw-frames.ts'
import { continuation, END, type Frames, flagged } from './asker.ts'

export const SIZES: Readonly<Record<string, Frames>> = {
  'data-too-large': ask => [ask.post(1), data(1, Buffer.alloc(16_385), FLAG.endStream)],
  'data-largest': ask => [ask.post(1), data(1, Buffer.alloc(16_384), FLAG.endStream)],
  'headers-too-large': ask => [ask.get(1, [['x-a', 'a'.repeat(16_384)]])],
  'headers-empty': () => [flagged(END, 1, '')],
  'headers-empty-then-continuation': ask => [flagged(FLAG.endStream, 1, ''), continuation(1, ask.block(1))],
  'priority-short': ask => [ask.get(1), frame(FRAME.priority, 0, 1, 'abcd')],
  'priority-long': ask => [ask.post(1), frame(FRAME.priority, 0, 1, 'abcdef'), data(1, 'a', FLAG.endStream)],
  'reset-short': ask => [ask.post(1), frame(FRAME.rstStream, 0, 1, 'abc')],
  'reset-long': ask => [ask.post(1), frame(FRAME.rstStream, 0, 1, 'abcde')],
  'settings-odd': () => [frame(FRAME.settings, 0, 0, 'abcde')],
  'settings-ack-with-payload': () => [frame(FRAME.settings, FLAG.ack, 0, 'abcdef')],
  'ping-short': () => [frame(FRAME.ping, 0, 0, 'abcdefg')],
  'ping-long': () => [frame(FRAME.ping, 0, 0, 'abcdefghi')],
  'goaway-short': () => [frame(FRAME.goAway, 0, 0, 'abcdefg')],
  'window-short': () => [frame(FRAME.windowUpdate, 0, 0, 'abc')],
  'window-long': ask => [ask.post(1), frame(FRAME.windowUpdate, 0, 1, 'abcde')],
  'unknown-type': ask => [frame(0x21, 0xff, 0, 'whatever'), ask.get(1)],
  'unknown-type-too-large': ask => [frame(0x21, 0, 0, Buffer.alloc(16_385)), ask.get(1)],
  'origin-and-altsvc': ask => [frame(0xa, 0, 0, 'ab'), frame(0xc, 0, 0, 'ab'), ask.get(1)],
  'priority-update': ask => [frame(0x10, 0, 0, Buffer.concat([uint32(1), Buffer.from('u=1')])), ask.get(1)],
  'priority-update-short': ask => [frame(0x10, 0, 0, 'ab'), ask.get(1)],
}

export const PADDING: Readonly<Record<string, Frames>> = {
  'data-whole': ask => [ask.post(1), frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, '\x03abc\0\0\0')],
  'data-only': ask => [ask.post(1), frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, '\x03\0\0\0')],
  'data-not-zero': ask => [ask.post(1), frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, '\x03abcxyz')],
  'data-too-much': ask => [ask.post(1), frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, '\x04\0\0\0')],
  'data-without': ask => [ask.post(1), frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, '')],
  'headers-whole': ask => [
    flagged(END | FLAG.padded, 1, Buffer.concat([Buffer.from([2]), ask.block(1), Buffer.alloc(2)])),
  ],
  'headers-too-much': ask => [flagged(END | FLAG.padded, 1, Buffer.concat([Buffer.from([255]), ask.block(1)]))],
  'headers-without': () => [flagged(END | FLAG.padded, 1, '')],
  'headers-of-the-priority': () => [flagged(END | FLAG.padded | FLAG.priority, 1, '\x05\0\0\0\0\0')],
  'headers-nothing-but': () => [flagged(END | FLAG.padded, 1, '\x02\0\0')],
  'priority-short': () => [flagged(END | FLAG.priority, 1, '\0\0\0')],
}
