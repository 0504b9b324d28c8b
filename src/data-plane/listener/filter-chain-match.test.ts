import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import {
  FilterChainMatchSchema,
  FilterChainMatch_ConnectionSourceType as SourceType,
} from '../../xds/generated/envoy/config/listener/v3/listener_components_pb.ts'
import { ResourceCheck } from '../../xds/resource-check.ts'
import { type ConnectionFacts, compileFilterChainMatch, findFilterChain } from './filter-chain-match.ts'

const { SAME_IP_OR_LOOPBACK: LOCAL, EXTERNAL } = SourceType

type Init = MessageInitShape<typeof FilterChainMatchSchema>

function find(matches: Readonly<Record<string, Init>>, facts: Partial<ConnectionFacts>): string | undefined {
  const check = new ResourceCheck('test')
  const chains = Object.entries(matches).map(([name, init]) => ({
    name,
    match: compileFilterChainMatch(create(FilterChainMatchSchema, init), 'm', check),
  }))
  assert.deepEqual(check.problems, [])
  const all: ConnectionFacts = {
    destinationIp: '10.0.0.1',
    destinationPort: 80,
    directSourceIp: facts.sourceIp ?? '10.9.0.1',
    sourceIp: '10.9.0.1',
    sourcePort: 4000,
    serverName: '',
    transportProtocol: 'raw_buffer',
    applicationProtocols: [],
    ...facts,
  }
  return findFilterChain(chains, all)?.name
}

test('PERMISSIVE: mesh TLS by ALPN, other TLS, plaintext', () => {
  const chains = {
    mesh: { transportProtocol: 'tls', applicationProtocols: ['istio', 'istio-http/1.1'] },
    tls: { transportProtocol: 'tls' },
    plain: { transportProtocol: 'raw_buffer' },
  }
  assert.equal(find(chains, { transportProtocol: 'tls', applicationProtocols: ['istio'] }), 'mesh')
  assert.equal(find(chains, { transportProtocol: 'tls', applicationProtocols: ['h2'] }), 'tls')
  assert.equal(find(chains, {}), 'plain')
})

test('server names: exact before the longest wildcard before none; a wildcard does not match its own apex', () => {
  const chains = {
    exact: { serverNames: ['a.example.com'] },
    long: { serverNames: ['*.b.example.com'] },
    short: { serverNames: ['*.example.com'] },
    any: {},
  }
  assert.equal(find(chains, { serverName: 'a.example.com' }), 'exact')
  assert.equal(find(chains, { serverName: 'x.b.example.com' }), 'long')
  assert.equal(find(chains, { serverName: 'x.c.example.com' }), 'short')
  assert.equal(find(chains, { serverName: 'example.com' }), 'any')
  assert.equal(find(chains, {}), 'any')
})

test('criteria decide in their order, without going back', () => {
  const chains = { port: { destinationPort: 80, serverNames: ['a'] }, name: { serverNames: ['b'] } }
  assert.equal(find(chains, { serverName: 'b' }), undefined)
  assert.equal(find(chains, { destinationPort: 81, serverName: 'b' }), 'name')
})

test('address ranges: the longest prefix; source type and ports', () => {
  const range = (addressPrefix: string, prefixLen: number) => ({ addressPrefix, prefixLen })
  const chains = {
    wide: { sourcePrefixRanges: [range('10.0.0.0', 8)] },
    narrow: { sourcePrefixRanges: [range('10.9.0.0', 16)] },
    six: { sourcePrefixRanges: [range('fd00::', 8)] },
  }
  assert.equal(find(chains, {}), 'narrow')
  assert.equal(find(chains, { sourceIp: '10.1.0.1' }), 'wide')
  assert.equal(find(chains, { sourceIp: 'fd00::1' }), 'six')
  assert.equal(find(chains, { sourceIp: '192.168.0.1' }), undefined)
  const bySource = {
    local: { sourceType: LOCAL },
    external: { sourceType: EXTERNAL },
    port: { sourceType: EXTERNAL, sourcePorts: [4000] },
  }
  assert.equal(find(bySource, { sourceIp: '127.0.0.1' }), 'local')
  assert.equal(find(bySource, { sourceIp: '127.0.0.6', sourcePort: 1 }), 'external')
  assert.equal(find(bySource, { sourceIp: '127.0.0.6', destinationIp: '127.0.0.6' }), 'local')
  assert.equal(find(bySource, {}), 'port')
  assert.equal(find(bySource, { sourcePort: 1 }), 'external')
})

test('of the protocols that a client offers, the first that some chain names decides', () => {
  const chains = { h2: { applicationProtocols: ['h2'] }, http1: { applicationProtocols: ['http/1.1'] } }
  assert.equal(find(chains, { applicationProtocols: ['http/1.1', 'h2'] }), 'http1')
})

test('what cannot be honoured is a problem', () => {
  const check = new ResourceCheck('test')
  const bad = create(FilterChainMatchSchema, {
    serverNames: ['a.*'],
    prefixRanges: [{ addressPrefix: 'x', prefixLen: 8 }],
    addressSuffix: 'y',
    destinationPort: 65_536,
    sourcePorts: [1, 0],
  })
  compileFilterChainMatch(bad, 'm', check)
  assert.deepEqual(
    check.problems.map(({ path }) => path),
    ['m.address_suffix', 'm.destination_port', 'm.prefix_ranges[0]', 'm.server_names[0]', 'm.source_ports[1]'],
  )
})
