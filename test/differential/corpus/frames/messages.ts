// Messages that are malformed across frames, and more of them than the limits allow.
import { FLAG } from '../../../../src/transport/http2/frame.ts'
import { data, headers, type RawField } from '../../../../src/transport/http2/testing/raw-frames.ts'
import { END, type Frames } from './asker.ts'

const tail =
  (...fields: RawField[]): Frames =>
  ask => [ask.post(1), data(1, 'ab'), headers(1, fields, END)]
const sized =
  (length: string, ...rest: Buffer[]): Frames =>
  ask => [ask.post(1, [['content-length', length]]), ...rest]

export const MESSAGES: Readonly<Record<string, Frames>> = {
  trailers: tail(['x-tail', '1']),
  'trailers-none': tail(),
  'trailers-that-end-nothing': ask => [ask.post(1), data(1, 'ab'), headers(1, [['x-tail', '1']])],
  'trailers-with-path': tail([':path', '/2']),
  'trailers-with-status': tail([':status', '200']),
  'trailers-upper-case': tail(['X-Tail', '1']),
  'trailers-with-nul-in-a-name': tail(['x\0tail', '1']),
  'trailers-with-connection': tail(['connection', 'close']),
  'trailers-with-coding': tail(['transfer-encoding', 'chunked']),
  'trailers-with-host': tail(['host', 'b']),
  'trailers-with-te': tail(['te', 'trailers']),
  'trailers-with-length': tail(['content-length', '2']),
  'trailers-with-wrong-length': tail(['content-length', '9']),
  'trailers-with-control': tail(['x-tail', 'a\x01']),
  'trailers-with-line-end': tail(['x-tail', 'a\r\nx: b']),
  'trailers-without-body': ask => [ask.post(1), headers(1, [['x-tail', '1']], END)],
  'trailers-then-data': ask => [ask.post(1), headers(1, [['x-tail', '1']], END), data(1, 'a')],
  'length-right': sized('2', data(1, 'ab', FLAG.endStream)),
  'length-right-in-pieces': sized('2', data(1, 'a'), data(1, ''), data(1, 'b'), data(1, '', FLAG.endStream)),
  'length-short': sized('1', data(1, 'ab', FLAG.endStream)),
  'length-long': sized('3', data(1, 'ab', FLAG.endStream)),
  'length-none': sized('0', data(1, '', FLAG.endStream)),
  'length-none-with-body': sized('0', data(1, 'a', FLAG.endStream)),
  'length-long-with-trailers': sized('3', data(1, 'ab'), headers(1, [['x-tail', '1']], END)),
  'length-with-plus': sized('+2', data(1, 'ab', FLAG.endStream)),
  'length-with-minus': sized('-2', data(1, 'ab', FLAG.endStream)),
  'length-twice-alike': ask => [
    ask.post(1, [
      ['content-length', '2'],
      ['content-length', '2'],
    ]),
    data(1, 'ab', FLAG.endStream),
  ],
  'length-list': sized('2, 2', data(1, 'ab', FLAG.endStream)),
  'length-huge': sized('99999999999999999999', data(1, 'ab', FLAG.endStream)),
  'length-empty': sized('', data(1, 'ab', FLAG.endStream)),
  'length-on-a-get': ask => [ask.get(1, [['content-length', '5']])],
  'length-zero-on-a-get': ask => [ask.get(1, [['content-length', '0']])],
  'body-empty-many-times': ask => [ask.post(1), data(1, ''), data(1, ''), data(1, 'a'), data(1, '', FLAG.endStream)],
  'body-cut': ask => [ask.post(1), data(1, 'ab')],
  'head-alone': ask => [ask.post(1)],
  'expect-and-nothing': ask => [ask.post(1, [['expect', '100-continue']])],
  'good-behind-a-bad-body': ask => [ask.post(1, [['content-length', '1']]), data(1, 'ab', FLAG.endStream), ask.get(3)],
  'good-behind-a-bad-head': ask => [ask.get(1, [['X-A', 'b']]), ask.get(3)],
  'bad-amid-a-good-one': ask => [ask.post(1), ask.get(3, [['connection', 'close']]), data(1, 'ab', FLAG.endStream)],
  'broken-connection-amid-two': ask => [ask.post(1), ask.post(3), data(0, 'a')],
}

export const LIMITS: Readonly<Record<string, Frames>> = {
  'field-of-2000': ask => [ask.get(1, [['x-a', 'a'.repeat(2_000)]])],
  'field-of-2000-and-a-good-one': ask => [ask.get(1, [['x-a', 'a'.repeat(2_000)]]), ask.get(3)],
  'fields-of-90-000': ask => [
    ask.get(
      1,
      Array.from({ length: 6 }, (_, i): RawField => [`x-${i}`, 'a'.repeat(2_700)]),
    ),
    ask.get(3),
  ],
  'hundred-fields': ask => [
    ask.get(
      1,
      Array.from({ length: 95 }, (_, i): RawField => [`x-${i}`, '']),
    ),
  ],
  'hundred-and-twenty-fields': ask => [
    ask.get(
      1,
      Array.from({ length: 115 }, (_, i): RawField => [`x-${i}`, '']),
    ),
    ask.get(3),
  ],
  'trailers-of-2000': ask => [ask.post(1), data(1, 'a'), headers(1, [['x-tail', 'a'.repeat(2_000)]], END), ask.get(3)],
  'trailers-of-120': ask => [
    ask.post(1),
    data(1, 'a'),
    headers(
      1,
      Array.from({ length: 120 }, (_, i): RawField => [`x-${i}`, '']),
      END,
    ),
    ask.get(3),
  ],
}
