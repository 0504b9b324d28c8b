// Settings and windows out of bounds, and connections that do not begin as they should.
import { FLAG, FRAME, PREFACE } from '../../../../src/transport/http2/frame.ts'
import {
  data,
  frame,
  headers,
  settings,
  uint32,
  windowUpdate,
} from '../../../../src/transport/http2/testing/raw-frames.ts'
import { Asker, ack, END, type Frames, RESERVED } from './asker.ts'

export const SETTINGS: Readonly<Record<string, Frames>> = {
  'push-2': () => [settings([2, 2])],
  'push-1': ask => [settings([2, 1]), ask.get(1)],
  'window-too-large': () => [settings([4, 0x8000_0000])],
  'window-largest': ask => [settings([4, 0x7fff_ffff]), ask.get(1)],
  'window-zero': ask => [settings([4, 0]), ask.get(1)],
  'window-zero-then-more': ask => [settings([4, 0]), ask.get(1), windowUpdate(1, 100)],
  'window-grows-too-far': ask => [ask.post(1), windowUpdate(1, 0x7fff_0000), settings([4, 0x7fff_ffff])],
  'frame-size-too-small': () => [settings([5, 16_383])],
  'frame-size-too-large': () => [settings([5, 0x100_0000])],
  'frame-size-largest': ask => [settings([5, 0xff_ffff]), ask.get(1)],
  unknown: ask => [settings([0x99, 7], [0, 0]), ask.get(1)],
  'connect-2': () => [settings([8, 2])],
  'connect-1': ask => [settings([8, 1]), ask.get(1)],
  'connect-1-then-0': ask => [settings([8, 1], [8, 0]), ask.get(1)],
  'table-largest': ask => [settings([1, 0xffff_ffff]), ask.get(1), ask.get(3)],
  'table-zero': ask => [settings([1, 0]), ask.get(1), ask.get(3)],
  'streams-none': ask => [settings([3, 0]), ask.get(1)],
  'list-size-none': ask => [settings([6, 0]), ask.get(1)],
  'no-priorities-2': () => [settings([9, 2])],
  'no-priorities-1': ask => [settings([9, 1]), ask.get(1)],
  'no-priorities-changed': ask => [settings([9, 1]), settings([9, 0]), ask.get(1)],
  'ack-unasked': ask => [ack, ack, ack, ask.get(1)],
  'same-twice': ask => [settings([4, 1], [4, 100]), ask.get(1)],
  'amid-requests': ask => [ask.post(1), settings([4, 0]), data(1, 'ab', FLAG.endStream), settings([4, 100])],
}

export const WINDOWS: Readonly<Record<string, Frames>> = {
  'connection-by-none': () => [windowUpdate(0, 0)],
  'stream-by-none': ask => [ask.post(1), windowUpdate(1, 0)],
  'stream-by-none-with-others': ask => [ask.post(1), windowUpdate(1, 0), ask.get(3)],
  'connection-too-far': () => [windowUpdate(0, 0x7fff_ffff)],
  'connection-far': ask => [windowUpdate(0, 0x7fff_0000), ask.get(1)],
  'stream-too-far': ask => [ask.post(1), windowUpdate(1, 0x7fff_ffff), ask.get(3)],
  'with-reserved-bit': ask => [frame(FRAME.windowUpdate, 0, 0, uint32(RESERVED + 5)), ask.get(1)],
  'by-none-with-reserved-bit': () => [frame(FRAME.windowUpdate, 0, 0, uint32(RESERVED))],
}

export const OPENINGS: Readonly<Record<string, Buffer>> = {
  'other-preface': Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'latin1'),
  'request-of-http1': Buffer.from('GET / HTTP/1.1\r\nhost: one.test\r\n\r\n', 'latin1'),
  'no-settings': PREFACE,
  'settings-ack-first': Buffer.concat([PREFACE, ack]),
  'headers-first': Buffer.concat([PREFACE, headers(1, new Asker('one.test', 'headers-first').fields(1), END)]),
  'window-first': Buffer.concat([PREFACE, windowUpdate(0, 1), settings()]),
  'settings-twice': Buffer.concat([PREFACE, settings(), settings()]),
  nothing: Buffer.alloc(0),
}
