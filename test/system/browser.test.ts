// What a person sees, in a real browser: the product page and the API's reference.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RunningMesh } from '../integration/running-mesh.ts'

const chromium = process.env['CHROMIUM']
let mesh: RunningMesh
let directory: string

before(async () => {
  assert.ok(chromium, 'Chromium is missing: apt-get install chromium, or CHROMIUM=path')
  directory = mkdtempSync(join(tmpdir(), 'weft-browser-'))
  mesh = await RunningMesh.start(join(import.meta.dirname, '../../examples/bookinfo'))
})
after(async () => {
  await mesh?.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function browse(url: string, ...args: readonly string[]): Promise<string> {
  const quiet = [
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  const profile = `--user-data-dir=${mkdtempSync(join(directory, 'profile-'))}`
  const child = spawn(chromium!, ['--headless', '--no-sandbox', ...quiet, profile, ...args, url], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  await new Promise(done => child.once('close', done))
  return text
}

test('the product page renders with its reviews', async () => {
  const dom = await browse(`${mesh.gateway}/productpage`, '--dump-dom')
  assert.match(dom, /The Comedy of Errors/)
  assert.match(dom, /Reviewer1/)
  const picture = join(directory, 'productpage.png')
  await browse(`${mesh.gateway}/productpage`, `--screenshot=${picture}`, '--window-size=1200,900')
  assert.ok(statSync(picture).size > 10_000, 'more than an empty page')
})

test('the root of the API is a reference that names its operations', async () => {
  const dom = await browse(`${mesh.api}/`, '--dump-dom')
  for (const path of ['/v1/instances', '/v1/config/apply', '/v1/revisions', '/v1/proxies'])
    assert.ok(dom.includes(path), path)
})
