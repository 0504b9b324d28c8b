// ClientHellos that a proxy and the server behind it might read differently: with a name that a chain is for, or two.
import {
  entry,
  extension,
  type HelloWish,
  hello,
  length16,
  nameExtension,
} from '../../../src/transport/tls/client-hello-fixture.ts'

const of = (wish: HelloWish): string => hello(wish).toString('latin1')
const named = (name: string): string => of({ names: [nameExtension(name)] })
const record = (type: number, ...bytes: readonly number[]): string =>
  String.fromCharCode(type, 3, 1, 0, bytes.length, ...bytes)
const A = nameExtension('a.test')
const B = nameExtension('x.b.test')
const plain = of({ names: [A] })
const split = of({ names: [A], recordBytes: 50 })
const within = (inserted: string): string => split.slice(0, 55) + inserted + split.slice(55)
const WARNING = record(0x15, 1, 112)
const EMPTY = record(0x16)
const list = (...entries: readonly Buffer[]): Buffer => {
  const all = Buffer.concat(entries)
  return extension(0, Buffer.concat([length16(all), all]))
}
const padded = (padding: number, recordBytes?: number): string =>
  of({ names: [A], padding, ...(recordBytes === undefined ? {} : { recordBytes }) })

export const HOSTILE_HELLOS: Readonly<Record<string, string>> = {
  largest: padded(16_384 - padded(0).length),
  'too-large': padded(16_385 - padded(0).length),
  'much-too-large': padded(40_000),
  'tiny-records': padded(3_000, 1),
  'announces-too-much': padded(17_000, 4_000),
  'behind-a-warning': WARNING + plain,
  'around-a-warning': within(WARNING),
  'behind-four-warnings': WARNING.repeat(4) + plain,
  'behind-many-warnings': WARNING.repeat(5) + plain,
  'behind-a-fatal-alert': record(0x15, 2, 40) + plain,
  'behind-data': record(0x17, 1) + plain,
  'behind-an-empty-record': EMPTY + plain,
  'around-an-empty-record': within(EMPTY),
  'behind-many-empty-records': EMPTY.repeat(33) + plain,
  'two-extensions': of({ names: [A, B] }),
  'two-extensions-turned': of({ names: [B, A] }),
  'a-strange-extension-twice': of({ names: [A, extension(0x1234), extension(0x1234)] }),
  'two-names': of({ names: [list(entry('a.test'), entry('x.b.test'))] }),
  'a-name-and-more': of({ names: [extension(0, Buffer.concat([A.subarray(4), Buffer.alloc(1)]))] }),
  'no-name': of({ names: [list()] }),
  'an-empty-name': named(''),
  'a-nul-within': named('a.test\0.b.test'),
  'a-nul-behind': named('a.test\0'),
  'the-longest-name': named(`${'x'.repeat(248)}.b.test`),
  'a-name-too-long': named(`${'x'.repeat(249)}.b.test`),
  'strange-letters': named('\u00e4.b.test'),
  'broken-protocols': of({ names: [A], protocols: Buffer.from([0, 9, 9]) }),
  'no-extensions': of({ names: [] }),
}
