// Field blocks: what HPACK cannot mean, and blocks in several frames.
import { FLAG, FRAME } from '../../../../src/transport/http2/frame.ts'
import { block, data, frame } from '../../../../src/transport/http2/testing/raw-frames.ts'
import { continuation, END, type Frames, flagged } from './asker.ts'

export const COMPRESSION: Readonly<Record<string, Frames>> = {
  'index-zero': () => [flagged(END, 1, '\x80')],
  'index-beyond': () => [flagged(END, 1, '\xbe')],
  'index-far-beyond': () => [flagged(END, 1, '\xff\xff\xff\xff\xff\x0f')],
  'integer-endless': () => [flagged(END, 1, `\xff${'\xff'.repeat(20)}\x01`)],
  'integer-with-leading-zeros': ask => [
    flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from([0, 0x7f, 0x80, 0x00])])),
  ],
  'literal-cut': ask => [flagged(END, 1, ask.block(1).subarray(0, -1))],
  'literal-without-value': () => [flagged(END, 1, '\0\x01a')],
  'huffman-bad-padding': ask => [flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from([0, 1, 0x61, 0x81, 0x18])]))],
  'huffman-end-of-string': ask => [
    flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from([0, 1, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff])])),
  ],
  'huffman-right': ask => [flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from([0, 1, 0x61, 0x81, 0x1f])]))],
  'table-size-zero': ask => [flagged(END, 1, Buffer.concat([Buffer.from([0x20]), ask.block(1)]))],
  'table-size-too-large': ask => [flagged(END, 1, Buffer.concat([Buffer.from([0x3f, 0xe2, 0x1f]), ask.block(1)]))],
  'table-size-of-the-default': ask => [flagged(END, 1, Buffer.concat([Buffer.from([0x3f, 0xe1, 0x1f]), ask.block(1)]))],
  'table-size-behind-a-field': ask => [flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from([0x20])]))],
  'table-size-alone': ask => [flagged(END, 1, '\x20'), ask.get(3)],
  'table-size-many-times': ask => [flagged(END, 1, Buffer.concat([Buffer.alloc(3, 0x20), ask.block(1)]))],
  'entry-used-again': ask => [
    flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from('\x40\x03x-a\x01b', 'latin1')])),
    flagged(END, 3, Buffer.concat([ask.block(3), Buffer.from([0xbe])])),
  ],
  'entry-evicted': ask => [
    flagged(END, 1, Buffer.concat([ask.block(1), Buffer.from('\x40\x03x-a\x01b', 'latin1')])),
    flagged(END, 3, Buffer.concat([Buffer.from([0x20, 0x3f, 0xe1, 0x1f]), ask.block(3), Buffer.from([0xbe])])),
  ],
  'error-amid-two': ask => [ask.post(1), flagged(END, 3, '\x80')],
  'error-in-trailers': ask => [ask.post(1), data(1, 'a'), flagged(END, 1, '\x80')],
}

export const BLOCKS: Readonly<Record<string, Frames>> = {
  'in-three': ask => {
    const bytes = ask.block(1)
    return [
      flagged(FLAG.endStream, 1, bytes.subarray(0, 7)),
      continuation(1, bytes.subarray(7, 20), 0),
      continuation(1, bytes.subarray(20)),
    ]
  },
  'in-three-of-trailers': ask => {
    const bytes = block([['x-tail', 'abc']])
    return [
      ask.post(1),
      data(1, 'a'),
      flagged(FLAG.endStream, 1, bytes.subarray(0, 3)),
      continuation(1, bytes.subarray(3)),
    ]
  },
  'data-between': ask => [ask.post(1), flagged(0, 3, ask.block(3)), data(1, 'a'), continuation(3, Buffer.alloc(0))],
  'data-between-of-its-own': ask => [flagged(0, 1, ask.block(1)), data(1, 'a'), continuation(1, Buffer.alloc(0))],
  'ping-between': ask => [
    flagged(0, 1, ask.block(1)),
    frame(FRAME.ping, 0, 0, 'abcdefgh'),
    continuation(1, Buffer.alloc(0)),
  ],
  'unknown-between': ask => [flagged(0, 1, ask.block(1)), frame(0x21, 0, 0, 'a'), continuation(1, Buffer.alloc(0))],
  'headers-between': ask => [flagged(0, 1, ask.block(1)), ask.get(3), continuation(1, Buffer.alloc(0))],
  'of-another': ask => [flagged(0, 1, ask.block(1)), continuation(3, Buffer.alloc(0))],
  'of-none': ask => [flagged(0, 1, ask.block(1)), continuation(0, Buffer.alloc(0))],
  'behind-the-end': ask => [ask.get(1), continuation(1, ask.block(1))],
  'behind-data': ask => [ask.post(1), data(1, 'a'), continuation(1, block([['x-tail', '1']]))],
  'never-ended': ask => [flagged(FLAG.endStream, 1, ask.block(1))],
  'too-large': ask => [flagged(FLAG.endStream, 1, ask.block(1)), continuation(1, Buffer.alloc(16_385))],
  'empty-continuations': ask => [
    flagged(FLAG.endStream, 1, ask.block(1)),
    continuation(1, Buffer.alloc(0), 0),
    continuation(1, Buffer.alloc(0)),
  ],
  'priority-in-continuation': ask => [
    flagged(FLAG.endStream, 1, ask.block(1)),
    continuation(1, Buffer.alloc(0), FLAG.endHeaders | FLAG.priority),
  ],
}
