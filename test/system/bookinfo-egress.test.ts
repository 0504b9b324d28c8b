// docs/tour.md by traffic: a service outside the mesh is closed, opened by a ServiceEntry, and held to a time limit.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { OUTSIDE_ROUTES } from '../../examples/bookinfo/outside/routes.ts'
import { type RunningService, startService } from '../../examples/bookinfo/service/http-service.ts'
import { BookinfoMesh, networkingFile, succeeded } from './bookinfo-mesh.ts'
import { MeshCaller } from './mesh-caller.ts'

let bookinfo: BookinfoMesh
let outside: RunningService
let sleep: MeshCaller

before(async () => {
  outside = await startService('outside', OUTSIDE_ROUTES, 0)
  bookinfo = await BookinfoMesh.start()
  sleep = new MeshCaller(bookinfo.mesh, 'sleep')
})
after(async () => {
  await sleep?.stop()
  await bookinfo?.stop()
  await outside?.stop()
})

test('what the mesh does not know is not reached, until a ServiceEntry makes it known; its rules hold', async () => {
  await bookinfo.apply('egress-registry-only.yaml')
  assert.equal((await sleep.get('http://books.example.com/')).status, 502)
  assert.equal((await sleep.get('http://details:9080/details/0')).status, 200, 'the mesh itself is open')

  const entry = readFileSync(networkingFile('egress-service-entry.yaml'), 'utf8')
  const here = entry.replace('http: 9090', `http: ${outside.port}`)
  assert.notEqual(here, entry)
  succeeded(await bookinfo.mesh.apply(here, '--wait'))
  const { status, body } = await sleep.get('http://books.example.com/')
  assert.equal(status, 200, body)
  assert.match(body, /The Comedy of Errors/)

  assert.equal((await sleep.get('http://books.example.com/delay/2')).status, 200)
  await bookinfo.apply('egress-timeout.yaml')
  assert.equal((await sleep.get('http://books.example.com/delay/2')).status, 504)
  assert.equal((await sleep.get('http://books.example.com/')).status, 200)

  succeeded(
    await bookinfo.mesh.run(
      'delete',
      '--wait',
      '-f',
      networkingFile('egress-service-entry.yaml'),
      '-f',
      networkingFile('egress-timeout.yaml'),
    ),
  )
  assert.equal((await sleep.get('http://books.example.com/')).status, 502)
})
