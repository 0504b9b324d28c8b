import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { certificateFolder } from './certificate-folder.ts'

test('a control plane can name files of the one folder, and no others', t => {
  const state = mkdtempSync(join(tmpdir(), 'weft-certificates-'))
  t.after(() => rmSync(state, { recursive: true, force: true }))
  const inside = join(state, 'certificates', 'shop')
  mkdirSync(inside, { recursive: true })
  writeFileSync(join(inside, 'tls.crt'), 'PEM')
  writeFileSync(join(state, 'key.pem'), 'secret')
  const folder = certificateFolder(state)
  assert.equal(folder.read('shop/tls.crt'), 'PEM')
  assert.equal(folder.read(join(inside, 'tls.crt')), 'PEM')
  for (const name of ['../key.pem', join(state, 'key.pem'), 'shop/../../key.pem', 'shop', '', 'nothing', '\0'])
    assert.equal(folder.read(name), null, name)
})

test('the name of the system’s authorities is no file', t => {
  const state = mkdtempSync(join(tmpdir(), 'weft-certificates-'))
  t.after(() => rmSync(state, { recursive: true, force: true }))
  mkdirSync(join(state, 'certificates'))
  writeFileSync(join(state, 'certificates', 'system'), 'PEM')
  assert.match(certificateFolder(state).read('system') ?? '', /^-----BEGIN CERTIFICATE-----/)
})
