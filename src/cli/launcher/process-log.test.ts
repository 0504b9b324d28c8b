// The log of a child: it stays within bounds while the child writes, and its end can be read.
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ProcessLog } from './process-log.ts'

test('a log that has grown large is begun anew under the hands of its writer', () => {
  const state = mkdtempSync(join(tmpdir(), 'weft-log-'))
  const log = new ProcessLog(state, 'a-0')
  const writer = log.open()
  try {
    writeSync(writer, 'first\n')
    assert.equal(log.trim(), false)
    truncateSync(log.file, 16 * 1024 * 1024 + 1)
    assert.equal(log.trim(), true)
    writeSync(writer, 'second\n')
    assert.equal(readFileSync(log.file, 'utf8'), 'second\n')
    assert.deepEqual(log.tail(1), ['second'])
    assert.equal(statSync(`${log.file}.1`).mode & 0o777, 0o600)
  } finally {
    closeSync(writer)
    rmSync(state, { recursive: true })
  }
})
