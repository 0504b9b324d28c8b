// Requests that are taken and requests that are none, with Envoy's words for why: what the codec is held to, and Envoy too
// (test/differential/corpus/frames).
import type { RawField } from './raw-frames.ts'
import { GET } from './raw-session.ts'

const INVALID = 'http2.invalid.header.field'
const MESSAGING = 'http2.violation.of.messaging.rule'

export const without = (name: string): RawField[] => GET.filter(field => field[0] !== name)
const replaced = (name: string, value: string): RawField[] => GET.map(f => (f[0] === name ? [name, value] : f))

export const MALFORMED: Readonly<Record<string, readonly [fields: readonly RawField[], details: string]>> = {
  'upper case in a name': [[...GET, ['X-A', 'b']], INVALID],
  'a blank in a name': [[...GET, ['x a', 'b']], INVALID],
  'NUL in a name': [[...GET, ['x\0a', 'b']], INVALID],
  'NUL as a name': [[...GET, ['\0', 'b']], INVALID],
  'an empty name': [[...GET, ['', 'b']], INVALID],
  'a control in a value': [[...GET, ['x', 'a\x01b']], INVALID],
  'NUL in a value': [[...GET, ['x', 'a\0b']], INVALID],
  'a line feed in a value': [[...GET, ['x', 'a\r\nb: c']], INVALID],
  'DEL in a value': [[...GET, ['x', 'a\x7fb']], INVALID],
  connection: [[...GET, ['connection', 'close']], INVALID],
  'keep-alive': [[...GET, ['keep-alive', '1']], INVALID],
  'proxy-connection': [[...GET, ['proxy-connection', '1']], INVALID],
  'transfer-encoding': [[...GET, ['transfer-encoding', 'chunked']], INVALID],
  upgrade: [[...GET, ['upgrade', 'websocket']], INVALID],
  'te that is not trailers': [[...GET, ['te', 'gzip']], INVALID],
  'no method': [without(':method'), MESSAGING],
  'no scheme': [without(':scheme'), MESSAGING],
  'no path': [without(':path'), MESSAGING],
  'no authority': [without(':authority'), MESSAGING],
  'an empty path': [replaced(':path', ''), INVALID],
  'a path without slash': [replaced(':path', 'x'), MESSAGING],
  'a path with a blank': [replaced(':path', '/a b'), INVALID],
  'a blank behind a path': [replaced(':path', '/x '), INVALID],
  'a blank before an authority': [replaced(':authority', ' a'), INVALID],
  'an absolute path': [replaced(':path', 'http://a/b'), MESSAGING],
  'an asterisk with GET': [replaced(':path', '*'), MESSAGING],
  'a method that is no token': [replaced(':method', 'G T'), INVALID],
  'an empty method': [replaced(':method', ''), INVALID],
  'a scheme that is none': [replaced(':scheme', '1x'), INVALID],
  'an authority with a blank': [replaced(':authority', 'a b'), INVALID],
  'an authority with user information': [replaced(':authority', 'u@a'), INVALID],
  'an empty authority': [replaced(':authority', ''), INVALID],
  'a pseudo-header twice': [[...GET, [':path', '/']], INVALID],
  'a pseudo-header after a field': [[['x', 'y'], ...GET], INVALID],
  'an unknown pseudo-header': [[...GET, [':foo', 'b']], INVALID],
  'a pseudo-header of responses': [[...GET, [':status', '200']], INVALID],
  'two hosts': [[...without(':authority'), ['host', 'b'], ['host', 'b']], INVALID],
  'CONNECT with a path': [[[':method', 'CONNECT'], ...without(':method')], MESSAGING],
  'a protocol that was not allowed': [[[':method', 'CONNECT'], ...without(':method'), [':protocol', 'w']], INVALID],
  'a protocol without CONNECT': [[...GET, [':protocol', 'websocket']], INVALID],
  'a content-length that is no number': [[...GET, ['content-length', 'x']], INVALID],
  'two content-lengths': [[...GET, ['content-length', '0'], ['content-length', '0']], INVALID],
  'a content-length with nothing behind': [[...GET, ['content-length', '2']], MESSAGING],
}

export const FINE: Readonly<Record<string, readonly RawField[]>> = {
  'bytes beyond ASCII in a value': [...GET, ['x', 'a\xe9b']],
  'bytes beyond ASCII in a path': replaced(':path', '/a\xe9b'),
  'te: trailers': [...GET, ['te', 'trailers']],
  'te: trailers in capitals': [...GET, ['te', 'Trailers']],
  'a method of its own': replaced(':method', 'FOO'),
  'a scheme of its own': replaced(':scheme', 'ftp'),
  'an asterisk with OPTIONS': [
    [':method', 'OPTIONS'],
    [':scheme', 'http'],
    [':path', '*'],
    [':authority', 'a'],
  ],
  CONNECT: [
    [':method', 'CONNECT'],
    [':authority', 'a:1'],
  ],
  'an underscore in a name': [...GET, ['x_y', 'b']],
}
