// Frames on streams that are not there for them.
import { FLAG, FRAME } from '../../../../src/transport/http2/frame.ts'
import {
  data,
  frame,
  headers,
  rstStream,
  uint32,
  windowUpdate,
} from '../../../../src/transport/http2/testing/raw-frames.ts'
import { ANSWER_FIELD } from '../../answer.ts'
import { continuation, END, type Frames, flagged, priority, RESERVED } from './asker.ts'

export const STREAMS: Readonly<Record<string, Frames>> = {
  'data-on-none': () => [data(0, 'a')],
  'headers-on-none': ask => [flagged(END, 0, ask.block(0))],
  'priority-on-none': () => [priority(0, 1)],
  'reset-on-none': () => [rstStream(0, 8)],
  'settings-on-one': () => [frame(FRAME.settings, 0, 1)],
  'ping-on-one': () => [frame(FRAME.ping, 0, 1, 'abcdefgh')],
  'goaway-on-one': () => [frame(FRAME.goAway, 0, 1, Buffer.alloc(8))],
  'headers-on-even': ask => [ask.get(2)],
  'headers-below-the-last': ask => [ask.get(3), ask.get(1)],
  'headers-below-one-under-way': ask => [ask.post(3), ask.get(1)],
  'headers-with-reserved-bit': ask => [flagged(END, RESERVED + 1, ask.block(1))],
  'headers-on-the-highest': ask => [ask.get(0x7fff_ffff)],
  'headers-behind-the-highest': ask => [ask.get(0x7fff_ffff), ask.get(1)],
  'data-on-idle': () => [data(1, 'a')],
  'reset-on-idle': () => [rstStream(1, 8)],
  'window-on-idle': () => [windowUpdate(1, 1)],
  'priority-on-idle': ask => [priority(1, 3), ask.get(1)],
  'continuation-on-idle': ask => [continuation(1, ask.block(1))],
  'headers-again': ask => [ask.get(1), ask.get(1)],
  'headers-again-under-way': ask => [ask.post(1), ask.post(1)],
  'data-behind-the-end': ask => [ask.get(1), data(1, 'a')],
  'data-behind-the-end-of-data': ask => [ask.post(1), data(1, 'a', FLAG.endStream), data(1, 'b')],
  'headers-behind-the-end': ask => [ask.get(1), headers(1, [['x-tail', '1']], END)],
  'window-behind-the-end': ask => [ask.get(1), windowUpdate(1, 5)],
  'reset-behind-the-end': ask => [ask.post(1), data(1, '', FLAG.endStream), rstStream(1, 8)],
  'data-behind-a-reset': ask => [ask.post(1), rstStream(1, 8), data(1, 'a')],
  'headers-behind-a-reset': ask => [ask.post(1), rstStream(1, 8), ask.post(1)],
  'window-behind-a-reset': ask => [ask.post(1), rstStream(1, 8), windowUpdate(1, 5)],
  'reset-behind-a-reset': ask => [ask.post(1), rstStream(1, 8), rstStream(1, 8)],
  'priority-behind-a-reset': ask => [ask.post(1), rstStream(1, 8), priority(1, 3)],
  ...Object.fromEntries(
    [0, 1, 2, 5, 7, 8, 11, 13, 99].map(code => [
      `reset-with-${code}`,
      (ask => [ask.post(1), data(1, 'a'), rstStream(1, code)]) as Frames,
    ]),
  ),
  ...Object.fromEntries(
    [0, 1, 7, 8].map(code => [
      `reset-with-${code}-behind-the-end`,
      (ask => [ask.get(1, [[ANSWER_FIELD, '[{"delayMs":1000}]']]), rstStream(1, code)]) as Frames,
    ]),
  ),
  'push-promise': ask => [
    ask.post(1),
    frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.concat([uint32(2), ask.block(2)])),
  ],
  'goaway-then-request': ask => [frame(FRAME.goAway, 0, 0, Buffer.alloc(8)), ask.get(1)],
  'goaway-amid-request': ask => [ask.post(1), frame(FRAME.goAway, 0, 0, Buffer.alloc(8)), data(1, 'a', FLAG.endStream)],
  'goaway-with-error': ask => [ask.post(1), frame(FRAME.goAway, 0, 0, Buffer.concat([uint32(0), uint32(2)]))],
  'priority-on-itself': ask => [ask.post(1), priority(1, 1)],
  'headers-on-itself': ask => [
    flagged(END | FLAG.priority, 1, Buffer.concat([uint32(1), Buffer.from([0]), ask.block(1)])),
  ],
  'three-at-once': ask => [ask.post(1), ask.post(3), ask.post(5)],
}
