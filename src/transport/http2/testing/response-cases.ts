// Frames on stream 1 that are a response, and such that are none: what the codec is held to, and Envoy too
// (test/differential/corpus/frames).
import { FLAG } from '../frame.ts'
import { data, headers, type RawField } from './raw-frames.ts'

const END = FLAG.endHeaders | FLAG.endStream
const OK: readonly RawField[] = [[':status', '200']]

export const NO_RESPONSES: Readonly<Record<string, readonly Buffer[]>> = {
  'no status': [headers(1, [['a', 'b']])],
  'two statuses': [
    headers(1, [
      [':status', '200'],
      [':status', '200'],
    ]),
  ],
  'a status that is none': [headers(1, [[':status', '2x0']])],
  'a status below 100': [headers(1, [[':status', '099']])],
  'switching protocols': [headers(1, [[':status', '101']])],
  'an interim response that ends': [headers(1, [[':status', '103']], END)],
  'a path': [
    headers(1, [
      [':status', '200'],
      [':path', '/'],
    ]),
  ],
  'data before the head': [data(1, 'a')],
  'data after an interim response': [headers(1, [[':status', '100']]), data(1, 'a')],
  'a length where there is no body': [
    headers(
      1,
      [
        [':status', '204'],
        ['content-length', '2'],
      ],
      END,
    ),
  ],
  'less than content-length': [
    headers(
      1,
      [
        [':status', '200'],
        ['content-length', '2'],
      ],
      END,
    ),
  ],
  'upper case in a name': [headers(1, [...OK, ['A', 'b']], END)],
  'a control in a value': [headers(1, [...OK, ['a', '\x01']], END)],
  connection: [headers(1, [...OK, ['connection', 'close']], END)],
  'transfer-encoding': [headers(1, [...OK, ['transfer-encoding', 'chunked']], END)],
  'te that is not trailers': [headers(1, [...OK, ['te', 'gzip']], END)],
  'two content-lengths': [headers(1, [...OK, ['content-length', '0'], ['content-length', '0']], END)],
  'a body where there is none': [headers(1, [[':status', '204']]), data(1, 'a', FLAG.endStream)],
  'less data than content-length': [headers(1, [...OK, ['content-length', '5']]), data(1, 'ab', FLAG.endStream)],
  'more data than content-length': [headers(1, [...OK, ['content-length', '1']]), data(1, 'ab', FLAG.endStream)],
  'trailers that end nothing': [headers(1, OK), headers(1, [['t', '1']])],
  'trailers with a status': [headers(1, OK), headers(1, OK, END)],
}

export const RESPONSES: Readonly<Record<string, readonly Buffer[]>> = {
  'a head alone': [headers(1, OK, END)],
  'an interim response before it': [headers(1, [[':status', '103']]), headers(1, OK, END)],
  'a status that nobody registered': [headers(1, [[':status', '999']], END)],
  'data and trailers': [headers(1, OK), data(1, 'a'), headers(1, [['t', '1']], END)],
  'what content-length says': [headers(1, [...OK, ['content-length', '2']]), data(1, 'ab', FLAG.endStream)],
  'not modified, with the length it would have': [
    headers(
      1,
      [
        [':status', '304'],
        ['content-length', '2'],
      ],
      END,
    ),
  ],
  'a field that is one of requests': [headers(1, [...OK, ['host', 'x'], ['te', 'trailers']], END)],
  '100 fields': [headers(1, [...OK, ...Array.from({ length: 99 }, (_, i): RawField => [`x${i}`, 'y'])], END)],
}
