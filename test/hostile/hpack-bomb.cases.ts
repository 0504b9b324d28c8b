import { FRAME } from '../../src/transport/http2/frame.ts'
import { block, frame } from '../../src/transport/http2/testing/raw-frames.ts'
import type { HostileClass } from './hostile-case.ts'
import { END, GET } from './http2-frames.ts'

/** x: 2000 bytes, entered in the table (RFC 7541 6.2.1). */
const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xd1, 0x0e]), Buffer.alloc(2000, 97)])
/** The same field again, by one byte (RFC 7541 6.1). */
const again = Buffer.alloc(10_000, 0xbe)

export const hostileClass: HostileClass = {
  title: 'HPACK bombs',
  why: 'A block of few bytes unfolds to a header list of many megabytes, or breaks the table that both sides share.',
  protocol: 'http2',
  counts: 'downstream_cx_protocol_error',
  logs: 'DPE http2.compression_error',
  cases: [
    {
      name: 'one large entry, ten thousand times',
      send: frame(FRAME.headers, END, 1, Buffer.concat([block(GET), entry, again])),
      gets: 'RST_STREAM INTERNAL_ERROR, kept',
      counts: 'http2.header_list_size_too_large',
      logs: 'DR http2.header_list_size_too_large',
      upstreamSees: 'nothing',
    },
    {
      name: 'an index that is not there',
      send: frame(FRAME.headers, END, 1, Buffer.concat([block(GET), Buffer.from([0xff, 0xff, 0x03])])),
      gets: 'GOAWAY COMPRESSION_ERROR, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'an integer without end',
      send: frame(FRAME.headers, END, 1, Buffer.concat([block(GET), Buffer.alloc(20, 0xff)])),
      gets: 'GOAWAY COMPRESSION_ERROR, closed',
      upstreamSees: 'nothing',
    },
    {
      name: 'a table larger than was announced',
      send: frame(FRAME.headers, END, 1, Buffer.concat([Buffer.from([0x3f, 0xe2, 0xff, 0x03]), block(GET)])),
      gets: 'GOAWAY COMPRESSION_ERROR, closed',
      upstreamSees: 'nothing',
    },
  ],
}
