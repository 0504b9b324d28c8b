// Filters that hold headers and bytes, let go, and refuse.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderList } from '../../transport/header-list.ts'
import type { DataStatus, HeadersStatus, HttpFilter } from '../filters/http/contract/http-filter.ts'
import { FilterPass } from './filter-pass.ts'

class Scene extends FilterPass {
  readonly seen: string[] = []
  readonly filters: readonly HttpFilter[]
  isOver = false

  constructor(filters: readonly HttpFilter[], limit = 10) {
    super(
      filters,
      filters.map((_, position) => position),
      limit,
    )
    this.filters = filters
  }

  protected onOverflow(): void {
    this.seen.push('overflow')
    this.isOver = true
  }

  protected onFull(): void {
    this.seen.push('full')
  }

  protected onRelieved(): void {
    this.seen.push('relieved')
  }

  protected callHeaders(filter: HttpFilter, endStream: boolean): HeadersStatus {
    return (
      filter.decodeHeaders?.(
        { method: '', path: '', authority: '', scheme: '', headers: [], protocol: '' },
        endStream,
      ) ?? 'continue'
    )
  }

  protected callData(filter: HttpFilter, chunk: Buffer, endStream: boolean): DataStatus | undefined {
    return filter.decodeData?.(chunk, endStream)
  }

  protected callTrailers(filter: HttpFilter, trailers: HeaderList): HeadersStatus | undefined {
    return filter.decodeTrailers?.(trailers)
  }

  protected deliverTrailers(trailers: HeaderList): void {
    this.seen.push(`trailers ${trailers.join(' ')}`)
  }

  protected deliverHeaders(endStream: boolean): void {
    this.seen.push(`headers${endStream ? ' end' : ''}`)
  }

  protected deliverData(chunk: Buffer, endStream: boolean): void {
    this.seen.push(`${chunk.toString()}${endStream ? ' end' : ''}`)
  }
}

const through: HttpFilter = { decodeHeaders: () => 'continue', decodeData: () => 'continue' }
const bytes = (text: string): Buffer => Buffer.from(text)

test('nobody holds: all goes through as it comes', () => {
  const scene = new Scene([through, through])
  scene.headers(false)
  scene.data(bytes('a'), false)
  scene.data(bytes('b'), true)
  assert.deepEqual(scene.seen, ['headers', 'a', 'b end'])
})

test('headers held by a filter that ignores bytes: these wait, and hold the sender back at the limit', () => {
  const holder: HttpFilter = { decodeHeaders: () => 'stop' }
  const scene = new Scene([through, holder, through])
  scene.headers(false)
  scene.data(bytes('12345678'), false)
  scene.data(bytes('9abc'), false)
  assert.deepEqual(scene.seen, ['full'])
  scene.resume(holder)
  assert.deepEqual(scene.seen, ['full', 'headers', 'relieved', '12345678', '9abc'])
  scene.data(bytes('z'), true)
  assert.equal(scene.seen.at(-1), 'z end')
})

test('headers held until enough of the body is there: `continue` on bytes lets them go first', () => {
  let length = 0
  const holder: HttpFilter = {
    decodeHeaders: () => 'stop',
    decodeData: chunk => {
      length += chunk.length
      return length < 3 ? 'buffer' : 'continue'
    },
  }
  const scene = new Scene([holder, through])
  scene.headers(false)
  for (const text of ['a', 'b', 'c', 'd']) scene.data(bytes(text), text === 'd')
  assert.deepEqual(scene.seen, ['headers', 'a', 'b', 'c', 'd end'])
})

test('a held body keeps its end, one without bytes too', () => {
  const holder: HttpFilter = { decodeHeaders: () => 'stop', decodeData: () => 'pause' }
  const scene = new Scene([holder])
  scene.headers(false)
  scene.data(bytes('a'), false)
  scene.data(bytes(''), true)
  scene.resume(holder)
  assert.deepEqual(scene.seen, ['headers', 'a end'])
  const empty = new Scene([holder])
  empty.headers(false)
  empty.data(bytes(''), true)
  empty.resume(holder)
  assert.deepEqual(empty.seen, ['headers', ' end'])
})

test('a request without a body, held and let go', () => {
  const holder: HttpFilter = { decodeHeaders: () => 'stop' }
  const scene = new Scene([holder, through])
  scene.headers(true)
  scene.resume(holder)
  scene.resume(through)
  assert.deepEqual(scene.seen, ['headers end'])
})

test('two that hold, one after the other', () => {
  const first: HttpFilter = { decodeHeaders: () => 'stop', decodeData: () => 'pause' }
  const second: HttpFilter = { decodeHeaders: () => 'stop', decodeData: () => 'pause' }
  const scene = new Scene([first, second])
  scene.headers(false)
  scene.data(bytes('a'), true)
  scene.resume(first)
  assert.deepEqual(scene.seen, [])
  scene.resume(second)
  assert.deepEqual(scene.seen, ['headers', 'a end'])
})

test('a body that is to be whole and is too large is refused', () => {
  const holder: HttpFilter = { decodeHeaders: () => 'stop', decodeData: () => 'buffer' }
  const scene = new Scene([holder])
  scene.headers(false)
  scene.data(bytes('12345678901'), false)
  assert.deepEqual(scene.seen, ['overflow'])
  scene.resume(holder)
  assert.deepEqual(scene.seen, ['overflow'])
})

test('after a local reply nothing goes on', () => {
  const holder: HttpFilter = { decodeHeaders: () => 'stop' }
  const scene = new Scene([holder, through])
  scene.headers(true)
  scene.isOver = true
  scene.resume(holder)
  assert.deepEqual(scene.seen, [])
})

test('trailers end a message, behind whatever is held before them', () => {
  const scene = new Scene([through, { decodeHeaders: () => 'stop', decodeData: () => 'pause' }, through])
  scene.headers(false)
  scene.data(bytes('a'), false)
  scene.trailers(['x', '1'])
  assert.deepEqual(scene.seen, [])
  scene.resume(scene.filters[1]!)
  assert.deepEqual(scene.seen, ['headers', 'a', 'trailers x 1'])
})

test('a filter that waits for the end of the message is let go by its trailers', () => {
  const collector: HttpFilter = {
    decodeHeaders: () => 'stop',
    decodeData: (_, endStream) => (endStream ? 'continue' : 'buffer'),
    decodeTrailers: () => 'continue',
  }
  const scene = new Scene([collector])
  scene.headers(false)
  scene.data(bytes('a'), false)
  scene.data(bytes('b'), false)
  scene.trailers(['x', '1'])
  assert.deepEqual(scene.seen, ['headers', 'a', 'b', 'trailers x 1'])
})

test('trailers that a filter stops stay until it lets go', () => {
  const scene = new Scene([{ decodeTrailers: () => 'stop' }, through])
  scene.headers(false)
  scene.trailers(['x', '1'])
  assert.deepEqual(scene.seen, ['headers'])
  scene.resume(scene.filters[0]!)
  assert.deepEqual(scene.seen, ['headers', 'trailers x 1'])
})

test('a filter may put other bytes in the place of those it is shown, and before the trailers', () => {
  const upper: HttpFilter = {
    decodeData(chunk) {
      scene.replacement = bytes(chunk.toString().toUpperCase())
      return 'continue'
    },
    decodeTrailers() {
      scene.replacement = bytes('last')
      return 'continue'
    },
  }
  const scene: Scene = new Scene([upper, through])
  scene.headers(false)
  scene.data(bytes('a'), false)
  scene.trailers(['x', '1'])
  assert.deepEqual(scene.seen, ['headers', 'A', 'last', 'trailers x 1'])
})

test('bytes that stand for all trailers end the message, behind what is held', () => {
  const packs: HttpFilter = {
    decodeHeaders: () => 'stop',
    decodeData: () => 'pause',
    decodeTrailers(trailers) {
      scene.replacement = bytes(trailers.join('='))
      trailers.length = 0
      return 'continue'
    },
  }
  const scene: Scene = new Scene([through, packs, through])
  scene.headers(false)
  scene.data(bytes('a'), false)
  scene.trailers(['x', '1'])
  assert.deepEqual(scene.seen, ['headers', 'a', 'x=1 end'])
})
