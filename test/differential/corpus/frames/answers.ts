// What endpoints answer, right and wrong.
import { FLAG, FRAME } from '../../../../src/transport/http2/frame.ts'
import {
  block,
  data,
  frame,
  headers,
  rstStream,
  settings,
  uint32,
  windowUpdate,
} from '../../../../src/transport/http2/testing/raw-frames.ts'
import { NO_RESPONSES, RESPONSES } from '../../../../src/transport/http2/testing/response-cases.ts'
import { END, flagged } from './asker.ts'

export const OK = headers(1, [[':status', '200']], END)
export const ANSWERS: Readonly<Record<string, readonly Buffer[]>> = {
  ...RESPONSES,
  ...NO_RESPONSES,
  ...Object.fromEntries(
    [0, 1, 2, 5, 7, 8, 11, 13, 99].flatMap(code => [
      [`reset with ${code}`, [rstStream(1, code)]],
      [`reset with ${code} behind a head`, [headers(1, [[':status', '200']]), rstStream(1, code)]],
      [`going away with ${code}`, [frame(FRAME.goAway, 0, 0, Buffer.concat([uint32(0), uint32(code)]))]],
      [`going away with ${code} behind it`, [frame(FRAME.goAway, 0, 0, Buffer.concat([uint32(1), uint32(code)])), OK]],
    ]),
  ),
  'a push': [frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.concat([uint32(2), block([[':path', '/']])])), OK],
  'data on none': [data(0, 'a'), OK],
  'data on idle': [data(3, 'a'), OK],
  'headers on an even one': [headers(2, [[':status', '200']], END), OK],
  'not HPACK': [flagged(END, 1, '\x80')],
  'a frame too large': [headers(1, [[':status', '200']]), data(1, Buffer.alloc(16_385), FLAG.endStream)],
  'data behind the end': [OK, data(1, 'a')],
  'an end in the middle of a head': [flagged(FLAG.endStream, 1, block([[':status', '200']])), data(1, 'a')],
  'a window of none': [windowUpdate(1, 0), OK],
  'a window too far': [windowUpdate(1, 0x7fff_ffff), OK],
  'the window of all too far': [windowUpdate(0, 0x7fff_ffff), OK],
  'bad settings': [settings([5, 1]), OK],
  'a ping too short': [frame(FRAME.ping, 0, 0, 'a'), OK],
  'padding too long': [headers(1, [[':status', '200']]), frame(FRAME.data, FLAG.padded | FLAG.endStream, 1, '\x09a')],
  'no bytes of HTTP/2': [Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n', 'latin1')],
}
