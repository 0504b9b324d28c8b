// h2spec, an independent conformance suite for RFC 9113 and RFC 7541, against the codec alone: every one of its cases, as
// Envoy treats malformed messages and as the RFC does.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ENVOY_HTTP2_SETTINGS } from '../../src/transport/http2/session-options.ts'
import { startEchoServer } from '../../src/transport/http2/testing/echo-server.ts'

const h2spec = process.env['H2SPEC']

for (const streamErrorOnInvalidMessage of [false, true]) {
  test(`h2spec, malformed messages end ${streamErrorOnInvalidMessage ? 'their stream' : 'the connection'}`, async t => {
    assert.ok(h2spec, 'h2spec is missing: go install github.com/summerwind/h2spec/cmd/h2spec@latest, or H2SPEC=path')
    // A case opens as many streams as are announced, and one more.
    const settings = { ...ENVOY_HTTP2_SETTINGS, maxConcurrentStreams: 100, streamErrorOnInvalidMessage }
    const server = startEchoServer(0, settings)
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { stdout } = await promisify(execFile)(h2spec, ['-h', '127.0.0.1', '-p', `${port}`, '--strict', '-o', '2'])
    const [, total, passed, skipped] = /(\d+) tests, (\d+) passed, (\d+) skipped, 0 failed/.exec(stdout) ?? []
    assert.ok(Number(total) >= 145, stdout)
    assert.equal(passed, total)
    assert.equal(skipped, '0')
  })
}
