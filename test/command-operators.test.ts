// The table of command operators, which both planes read, and the operators themselves.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileFormat, compileHeaderFormat } from '../src/data-plane/access-log/command-operators.ts'
import { OPERATOR_SYNTAX, REFUSED_OPERATORS } from '../src/xds/command-operator-table.ts'

const ARGUMENTS: Readonly<Record<string, string>> = {
  METADATA: 'CLUSTER:x',
  COMMON_DURATION: 'DS_RX_BEG:DS_TX_END:us',
  COALESCE: '{"operators": ["REQUESTED_SERVER_NAME", {"command": "REQ", "param": ":authority", "max_length": 3}]}',
}

test('every operator of the table compiles, with an argument and without as it says', () => {
  for (const [name, { argument, logOnly }] of OPERATOR_SYNTAX) {
    const whole = argument === 'required' ? `%${name}(${ARGUMENTS[name] ?? 'x'})%` : `%${name}%`
    const compiled = compileFormat(whole)
    assert.ok('parts' in compiled, JSON.stringify([name, compiled]))
    assert.equal(compiled.needsRecord, logOnly, name)
    assert.equal('parts' in compileHeaderFormat(whole), !logOnly, name)
    const other = compileFormat(argument === 'required' ? `%${name}%` : argument === 'none' ? `%${name}(x)%` : whole)
    assert.equal('fault' in other, argument !== 'optional', name)
  }
})

test('docs/access-log.md tells of every operator that is refused', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/access-log.md'), 'utf8')
  for (const [name, why] of Object.entries(REFUSED_OPERATORS))
    assert.ok(
      page.split('\n').some(row => row.includes(`\`${name}\``) && row.endsWith(` | ${why} |`)),
      name,
    )
})

test('operators that there are no facts for say why', () => {
  for (const [name, why] of Object.entries(REFUSED_OPERATORS)) {
    assert.equal(OPERATOR_SYNTAX.has(name), false, name)
    assert.deepEqual(compileFormat(`%${name}%`), { fault: `%${name}%: ${why}` })
  }
})
