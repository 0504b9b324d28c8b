import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import 'reflect-metadata'
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { createCertificateRequest, generateKey } from './certificate-request.ts'

/** Lengths in one, two and three bytes. */
const IDS = ['a', 'x'.repeat(150), 'y'.repeat(500)].map(name => `spiffe://cluster.local/ns/default/sa/${name}`)

for (const id of IDS) {
  test(`a request of ${id.length} characters is read, and its signature holds`, async () => {
    const key = generateKey()
    const request = new Pkcs10CertificateRequest(createCertificateRequest(key, id))
    assert.equal(await request.verify(), true)
    assert.equal(request.subject, '')
    const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
    assert.deepEqual(Buffer.from(request.publicKey.rawData), spki)
    const [name, ...others] = request.extensions
    assert.deepEqual(others, [])
    assert.ok(name instanceof SubjectAlternativeNameExtension)
    assert.equal(name.critical, true)
    assert.deepEqual(name.names.toJSON(), [{ type: 'url', value: id }])
  })
}
