// For tests: a mesh whose requests are limited by the client's address, by a header, and by who the user is.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RunningMesh } from './running-mesh.ts'

const MINUTE_MS = 60_000

const rateLimit = ({ namespace, label }: Place, rule: string): string => `apiVersion: weft.dev/v1alpha1
kind: RateLimit
metadata: { name: limit, namespace: ${namespace} }
spec:
  selector: { matchLabels: { ${label} } }
  rules:
    - ${rule}
`
interface Place {
  readonly namespace: string
  readonly label: string
}
const AT_GATEWAY: Place = { namespace: 'istio-system', label: 'istio: ingressgateway' }
const AT_SIDECAR: Place = { namespace: 'default', label: 'app: echo' }

/** `proxy`: what stands beside the one workload. */
export function testRateLimits(proxy: 'weft' | 'envoy'): void {
  const agents: Agent[] = []
  let directory: string
  let mesh: RunningMesh

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'weft-limits-'))
    cpSync(join(import.meta.dirname, 'echo-mesh'), directory, { recursive: true })
    const file = join(directory, 'weft.yaml')
    const text = readFileSync(file, 'utf8').replace('replicas: 2\n', `replicas: 1\n    proxy: ${proxy}\n`)
    writeFileSync(file, proxy === 'weft' ? text.replace('    proxy: weft\n', '') : text)
    mesh = await RunningMesh.start(directory)
  })
  after(async () => {
    for (const agent of agents) agent.destroy()
    await mesh?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** A client at an address of its own; several requests at a time go over as many connections. */
  function client(localAddress: string) {
    const agent = new Agent({ keepAlive: true, localAddress, maxSockets: 4 })
    agents.push(agent)
    return (path = '/', headers: Record<string, string> = {}) =>
      new Promise<string>((done, fail) => {
        const outgoing = request(`${mesh.gateway}${path}`, { agent, headers }, response => {
          response.resume().on('end', () => {
            const figures = ['limit', 'remaining'].map(name => response.headers[`x-ratelimit-${name}`])
            done(figures[0] === undefined ? String(response.statusCode) : `${response.statusCode} ${figures.join('/')}`)
          })
        })
        outgoing.on('error', fail).end()
      })
  }

  async function limit(place: Place, rule: string): Promise<void> {
    const { code, stderr } = await mesh.apply(rateLimit(place, rule), '--wait')
    assert.equal(code, 0, stderr)
    // A connection that was open goes on as it began, for one more request: the gateway has one or two to the sidecar.
    const stranger = client('127.0.0.9')
    for (let i = 0; i < 4; i++) await stranger('/settle')
  }

  test('remote_ip: each client address has a limit of its own, some another, some none', async () => {
    await limit(
      AT_GATEWAY,
      `by: [{ clientAddress: {} }]
      limit: { requests: 2, per: day }
      overrides:
        - { values: [127.0.0.2], limit: { requests: 3, per: day } }
        - { values: [127.0.0.3], unlimited: true }`,
    )
    const outcomes = async (address: string) => {
      const ask = client(address)
      return [await ask(), await ask(), await ask(), await ask()]
    }
    assert.deepEqual(await outcomes('127.0.0.1'), ['200 2/1', '200 2/0', '429 2/0', '429 2/0'])
    assert.deepEqual(await outcomes('127.0.0.2'), ['200 3/2', '200 3/1', '200 3/0', '429 3/0'])
    assert.deepEqual((await outcomes('127.0.0.3')).map(Number.parseFloat), [200, 200, 200, 200])
    const { headers } = await fetch(mesh.gateway)
    assert.equal(headers.get('ratelimit-policy'), '"istio-system/limit/0";q=2;w=86400')
    assert.match(headers.get('ratelimit') ?? '', /^"istio-system\/limit\/0";r=0;t=\d+$/)
    const { code, stderr } = await mesh.run('delete', 'ratelimit', 'limit', '-n', AT_GATEWAY.namespace)
    assert.equal(code, 0, stderr)
  })

  test('x-forwarded-for: the sidecar tells clients apart that the gateway has named to it', async () => {
    await limit(AT_SIDECAR, 'by: [{ header: X-Forwarded-For }]\n      limit: { requests: 2, per: day }')
    for (const ask of [client('127.0.0.1'), client('127.0.0.2')])
      assert.deepEqual([await ask(), await ask(), await ask()], ['200 2/1', '200 2/0', '429 2/0'])
  })

  test('only the requests that a rule is for count', async () => {
    await limit(
      AT_SIDECAR,
      `match: { hosts: ["*.example.com"], path: { exact: /slow }, method: { exact: GET } }
      limit: { requests: 1, per: day }`,
    )
    const one = client('127.0.0.1')
    const host = { host: 'a.Example.com:8080' }
    assert.equal(await one('/slow?q=1', host), '200 1/0')
    assert.equal(await one('/slow', host), '429 1/0')
    assert.equal(await one('/slow', { host: 'example.com' }), '200')
    assert.equal(await one('/slower', host), '200')
  })

  test('end-user: 1 000 a minute for one user and no limit for others', async () => {
    await limit(
      AT_SIDECAR,
      `by: [{ header: end-user }]
      overrides: [{ values: [jason], limit: { requests: 1000, per: minute } }]`,
    )
    const one = client('127.0.0.1')
    const passed = async (headers: Record<string, string>, count: number): Promise<number> => {
      const answers = await Promise.all(Array.from({ length: count }, () => one('/', headers)))
      for (const answer of answers) assert.match(answer, /^(200|429)\b/)
      return answers.filter(answer => answer.startsWith('200')).length
    }
    const start = performance.now()
    const jason = await passed({ 'end-user': 'jason' }, 1400)
    const flowedIn = (1000 * (performance.now() - start)) / MINUTE_MS
    assert.ok(jason >= 1000 && jason <= 1000 + flowedIn, `${jason} of 1000 and ${flowedIn}`)
    assert.equal(await passed({ 'end-user': 'alice' }, 1400), 1400)
    assert.equal(await passed({}, 200), 200)
  })
}
