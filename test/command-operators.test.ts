// The translator refuses a command operator that a proxy would: both know the same ones, though neither may import the other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPERATOR_NAMES } from '../src/data-plane/access-log/command-operators.ts'
import { COMMAND_OPERATORS } from '../src/translate/istio/contract/command-operators.ts'

test('the planes know the same command operators', () => {
  assert.deepEqual([...COMMAND_OPERATORS].sort(), [...OPERATOR_NAMES].sort())
})
