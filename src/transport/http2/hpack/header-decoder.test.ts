// RFC 7541, appendix C first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FieldName } from '../../http/field-name.ts'
import { HeaderDecoder } from './header-decoder.ts'

class Connection {
  readonly decoder = new HeaderDecoder()
  invalid = 0

  /** The fields of a block, or null when it is refused. */
  decode(hex: string): string[] | null {
    const fields: string[] = []
    const sink = {
      onField: (name: FieldName, value: string, isValid: boolean): void => {
        fields.push(`${name.name}: ${value}`)
        if (!isValid) this.invalid++
      },
    }
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    return this.decoder.decode(bytes, 0, bytes.length, sink) ? fields : null
  }

  get table(): string[] {
    const entries: string[] = []
    for (let i = 0; i < this.decoder.table.count; i++) {
      const { name, value } = this.decoder.table.get(i)!
      entries.push(`${name.name}: ${value}`)
    }
    return entries
  }
}

/** A table of 256 octets, as in C.5 and C.6: the peer says so in front of its first block. */
const SHRINK = '3fe101'

test('C.2: single fields', () => {
  const connection = new Connection()
  assert.deepEqual(connection.decode('400a637573746f6d2d6b65790d637573746f6d2d686561646572'), [
    'custom-key: custom-header',
  ])
  assert.equal(connection.decoder.table.size, 55)
  assert.deepEqual(connection.decode('040c2f73616d706c652f70617468'), [':path: /sample/path'])
  assert.deepEqual(connection.decode('100870617373776f726406736563726574'), ['password: secret'])
  assert.deepEqual(connection.decode('82'), [':method: GET'])
  assert.deepEqual(connection.table, ['custom-key: custom-header'])
})

const REQUEST = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com']

for (const [name, blocks] of [
  [
    'C.3',
    [
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ],
  ],
  [
    'C.4',
    [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ],
  ],
] as const) {
  test(`${name}: requests`, () => {
    const connection = new Connection()
    assert.deepEqual(connection.decode(blocks[0]), REQUEST)
    assert.equal(connection.decoder.table.size, 57)
    assert.deepEqual(connection.decode(blocks[1]), [...REQUEST, 'cache-control: no-cache'])
    assert.equal(connection.decoder.table.size, 110)
    assert.deepEqual(connection.decode(blocks[2]), [
      ':method: GET',
      ':scheme: https',
      ':path: /index.html',
      ':authority: www.example.com',
      'custom-key: custom-value',
    ])
    assert.equal(connection.decoder.table.size, 164)
    assert.deepEqual(connection.table, [
      'custom-key: custom-value',
      'cache-control: no-cache',
      ':authority: www.example.com',
    ])
  })
}

for (const [name, blocks] of [
  [
    'C.5',
    [
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    ],
  ],
  [
    'C.6',
    [
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ],
  ],
] as const) {
  test(`${name}: responses, with eviction`, () => {
    const connection = new Connection()
    const rest = ['cache-control: private', 'date: Mon, 21 Oct 2013 20:13:21 GMT', 'location: https://www.example.com']
    assert.deepEqual(connection.decode(SHRINK + blocks[0]), [':status: 302', ...rest])
    assert.equal(connection.decoder.table.size, 222)
    assert.deepEqual(connection.decode(blocks[1]), [':status: 307', ...rest])
    assert.equal(connection.decoder.table.size, 222)
    assert.deepEqual(connection.decode(blocks[2]), [
      ':status: 200',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
      'location: https://www.example.com',
      'content-encoding: gzip',
      'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ])
    assert.equal(connection.decoder.table.size, 215)
    assert.equal(connection.table.length, 3)
  })
}

const REFUSED: Readonly<Record<string, string>> = {
  'index 0': '80',
  'an index beyond both tables': 'be',
  'an index far beyond': 'ffffffff0f',
  'a name index beyond both tables': '7f0100',
  'an integer without end': 'ff80',
  'an integer of too many groups': 'ff8080808080808000',
  'a name cut off': '400a6375',
  'a value cut off': '04056162',
  'a literal without value': '04',
  'a literal without anything': '40',
  'Huffman code with padding of zeros': '048118',
  'a size update after a field': '8220',
  'a size update beyond the limit': '3fe21f',
}
for (const [name, hex] of Object.entries(REFUSED)) {
  test(`refused: ${name}`, () => assert.equal(new Connection().decode(hex), null))
}

test('several size updates before the first field are fine; 0 empties the table', () => {
  const connection = new Connection()
  connection.decode('4001610162')
  assert.deepEqual(connection.decode('203fe11f82'), [':method: GET'])
  assert.deepEqual(connection.table, [])
})

test('an entry larger than the table empties it', () => {
  const connection = new Connection()
  connection.decode('4001610162')
  assert.deepEqual(connection.decode(`${SHRINK}40016101634001617f8101${'62'.repeat(256)}`)?.length, 2)
  assert.deepEqual(connection.table, [])
})

test('a limit that was lowered has to be acknowledged by the peer encoder', () => {
  const connection = new Connection()
  connection.decoder.setLimit(100, false)
  assert.deepEqual(connection.decode('82'), [':method: GET'], 'not acknowledged yet')
  connection.decoder.setLimit(100, true)
  assert.equal(connection.decode('82'), null)
  const other = new Connection()
  other.decoder.setLimit(100, false)
  other.decoder.setLimit(100, true)
  assert.deepEqual(other.decode('3f4582'), [':method: GET'])
  assert.equal(other.decode('3f4682'), null, 'larger than allowed')
})

test('names that are none, and values with characters that none may have, are told apart', () => {
  const connection = new Connection()
  const bits: number[] = []
  const sink = { onField: (name: FieldName): void => void bits.push(name.bit) }
  const bytes = Buffer.from('00035820610001 6200 0000 0001 7800 00023a78 00'.replaceAll(' ', ''), 'hex')
  assert.equal(new HeaderDecoder().decode(bytes.subarray(0, 5), 0, 5, sink), false)
  connection.decode('000178017f0001780100000178036120620001780 2e92f'.replaceAll(' ', ''))
  assert.equal(connection.invalid, 2)
  connection.decode('4001780100')
  connection.decode('be')
  assert.equal(connection.invalid, 4, 'remembered with the entry')
})

test('a large table of small entries', () => {
  const connection = new Connection()
  connection.decoder.setLimit(16_384, false)
  connection.decode('3fe17f')
  assert.equal(connection.decoder.table.maxSize, 16_384)
  for (let i = 0; i < 1000; i++)
    connection.decode(`400161${i < 256 ? '01' : '02'}${(i < 256 ? 97 : 0x6161 + i).toString(16)}`)
  assert.equal(connection.decoder.table.count, Math.floor(16_384 / 35))
  assert.equal(connection.table[0], connection.decode('be')?.[0])
  assert.equal(connection.table[400], connection.decode('ffcf02')?.[0])
})

test('any bytes are decoded or refused, and the table keeps to its size', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), blocks => {
      const connection = new Connection()
      for (const bytes of blocks) {
        if (connection.decode(Buffer.from(bytes).toString('hex')) === null) break
        assert.ok(connection.decoder.table.size <= connection.decoder.table.maxSize)
      }
    }),
    { numRuns: 3000 },
  )
})

test('blanks around a value are dropped, and count for the table', () => {
  const connection = new Connection()
  assert.deepEqual(connection.decode('400178042061200 9'.replaceAll(' ', '')), ['x: a'])
  assert.equal(connection.decoder.table.size, 37)
})
