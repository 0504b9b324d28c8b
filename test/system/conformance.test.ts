// Generated meshes do the same on Istio and on Weft. The reference is no package that a registry has: where it is, its
// runner and its folder are named by the environment (test/conformance/README.md).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe } from '../conformance/generate/report.ts'
import { compare, SIZE } from '../conformance/generate/run.ts'

const { CONFORMANCE_RUNNER: runner, CONFORMANCE_PEERS: peers } = process.env
const absent = 'Istio is absent: CONFORMANCE_RUNNER and CONFORMANCE_PEERS name its runner and its folder'
const SEEDS = [1, 2, 8]

for (const seed of SEEDS)
  test(`the mesh of seed ${seed}`, { skip: runner && peers ? false : absent }, async () => {
    const { batch, findings } = await compare(seed, SIZE, { runner: runner!, peers: peers! })
    assert.equal(findings.map(finding => describe(batch, finding)).join('\n\n'), '')
  })
