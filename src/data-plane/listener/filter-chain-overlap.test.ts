import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { FilterChainMatchSchema } from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { compileFilterChainMatch } from './filter-chain-match.ts'
import { findOverlaps } from './filter-chain-overlap.ts'

type Init = MessageInitShape<typeof FilterChainMatchSchema>

function overlapsOf(...matches: readonly Init[]): [number, number][] {
  const check = new ResourceCheck('test')
  const compiled = matches.map(init => compileFilterChainMatch(create(FilterChainMatchSchema, init), 'm', check))
  assert.deepEqual(check.problems, [])
  return [...findOverlaps(compiled)]
}

const range = (addressPrefix: string, prefixLen: number) => ({ addressPrefix, prefixLen })

test('matches overlap that have a value in common of every criterion', () => {
  assert.deepEqual(overlapsOf({ serverNames: ['a', 'b'] }, { serverNames: ['c', 'b'] }), [[1, 0]])
  assert.deepEqual(overlapsOf({ sourcePorts: [1, 2] }, { sourcePorts: [3] }, { sourcePorts: [2, 3] }), [[2, 0]])
  assert.deepEqual(overlapsOf({}, { serverNames: ['a'] }, {}), [[2, 0]])
  assert.deepEqual(
    overlapsOf(
      { serverNames: ['a'], applicationProtocols: ['h2'] },
      { serverNames: ['a', 'b'], applicationProtocols: ['http/1.1', 'h2'] },
    ),
    [[1, 0]],
  )
})

test('one that differs in a criterion, or names one that the other leaves open, is another', () => {
  assert.deepEqual(overlapsOf({ serverNames: ['a'] }, { serverNames: ['b'] }, {}), [])
  assert.deepEqual(
    overlapsOf({ applicationProtocols: ['h2'] }, { serverNames: ['a'], applicationProtocols: ['h2'] }),
    [],
  )
  assert.deepEqual(overlapsOf({ destinationPort: 80 }, { destinationPort: 81 }, { transportProtocol: 'tls' }), [])
})

test('a range is told by its network', () => {
  assert.deepEqual(overlapsOf({ prefixRanges: [range('10.0.0.0', 8)] }, { prefixRanges: [range('10.1.2.3', 8)] }), [
    [1, 0],
  ])
  assert.deepEqual(
    overlapsOf({ sourcePrefixRanges: [range('fd00::', 16)] }, { sourcePrefixRanges: [range('FD00:0:0::1', 16)] }),
    [[1, 0]],
  )
  assert.deepEqual(overlapsOf({ prefixRanges: [range('10.0.0.0', 8)] }, { prefixRanges: [range('10.0.0.0', 9)] }), [])
})

test('what one match names twice overlaps itself', () => {
  assert.deepEqual(overlapsOf({}, { serverNames: ['a', 'A'] }), [[1, 1]])
})

test('of many that overlap each is told once', () => {
  const names = Array.from({ length: 200 }, (_, n) => `${n}.test`)
  const sourcePorts = Array.from({ length: 200 }, (_, n) => n + 1)
  const alike = Array.from({ length: 50 }, () => ({ serverNames: names, sourcePorts }))
  assert.equal(overlapsOf(...alike).length, 49)
})
