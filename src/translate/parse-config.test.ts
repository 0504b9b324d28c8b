import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { formatProblem } from '../base/problem.ts'
import { DEFAULT_MESH_CONFIG } from '../model/mesh-config.ts'
import { emit } from './emit/emit.ts'
import { link } from './link/link.ts'
import { parseConfig } from './parse-config.ts'
import { parseMeshConfig } from './parse-mesh-config.ts'

function parse(text: string, file = 'a.yaml') {
  return parseConfig([{ file, text }], { defaultNamespace: 'default' })
}

/** Translates whatever was understood for a sidecar of each form and a gateway: nothing of it may throw. */
function translate(text: string): void {
  const { objects } = parse(text)
  for (const proxyHttpPort of [0, 15080]) {
    const meshConfig = { ...DEFAULT_MESH_CONFIG, proxyHttpPort }
    const mesh = link({ objects, services: [], workloads: [], meshConfig })
    for (const kind of ['sidecar', 'router'] as const)
      emit(mesh, {
        id: 'x',
        kind,
        name: 'x',
        namespace: 'default',
        labels: { istio: 'ingressgateway' },
        locality: { region: '', zone: '', subZone: '' },
        workload: null,
      })
  }
}

test('every problem of every source is reported at once, in the order of the file', () => {
  const { objects, problems } = parseConfig(
    [
      { file: 'a.yaml', text: 'kind: [' },
      {
        file: 'b.yaml',
        text: `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [r]
  http:
  - timeut: 1s
    timeout: 5
    route: [{destination: {host: r}}]
`,
      },
    ],
    { defaultNamespace: 'shop' },
  )
  assert.deepEqual(objects, [])
  assert.deepEqual(problems.map(formatProblem).slice(-2), [
    'b.yaml:7:5: error WEFT-1003 VirtualService shop/r spec.http[0].timeut: unknown field; did you mean "timeout"?',
    'b.yaml:8:14: error WEFT-1004 VirtualService shop/r spec.http[0].timeout: must be a duration, not the number 5; write the unit: "5s" or "5ms"',
  ])
  assert.equal(problems[0]?.code, 'WEFT-1001')
  assert.equal(problems[0]?.position?.file, 'a.yaml')
})

test('an object carries the text it came from, and that text alone gives the same object', () => {
  const documents = `# first
apiVersion: v1
kind: Service
metadata:
  name: a # why
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {ports: [{port: 81}]}}
`
  const { objects, problems } = parse(documents)
  assert.deepEqual(problems, [])
  assert.deepEqual(
    objects.map(object => object.name),
    ['a', 'b'],
  )
  for (const object of objects) {
    const again = parse(object.text).objects[0]
    assert.deepEqual(again?.spec, object.spec)
    assert.equal(again?.text, object.text)
  }
})

test('hostile texts end in a problem', () => {
  const laughs = Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1}, `.repeat(9)}]`)
  const texts = {
    aliases: laughs.join('\n'),
    self: 'a: &a [*a]',
    unknownAlias: 'a: *b',
    deepFlow: `a: ${'['.repeat(5000)}`,
    deepBlock: `${'- '.repeat(5000)}a`,
    deepMap: Array.from({ length: 200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    many: '---\na\n'.repeat(10_001),
    long: 'a'.repeat(9 * 1024 * 1024),
    binary: '\u0000\u0001\ufffe',
    tag: '!!js/function "x"',
    prototype: '__proto__: {kind: Service}',
  }
  for (const [name, text] of Object.entries(texts)) {
    const { objects, problems } = parse(text)
    assert.deepEqual(objects, [], name)
    assert.notEqual(problems.length, 0, name)
  }
})

test('keys of the user may be called anything', () => {
  const { objects, problems } = parse(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http: [{match: [{headers: {__proto__: {exact: x}, constructor: {exact: y}}}], route: [{destination: {host: a}}]}]
`)
  assert.deepEqual(problems, [])
  const [object] = objects
  assert.ok(object?.kind === 'VirtualService')
  assert.deepEqual(Object.keys(object.spec.http[0]?.matches[0]?.headers ?? {}), ['__proto__', 'constructor'])
})

const KEYS = [
  'apiVersion', 'kind', 'metadata', 'name', 'namespace', 'labels', 'spec', 'hosts', 'host', 'gateways', 'http', 'match',
  'uri', 'exact', 'prefix', 'regex', 'headers', 'route', 'destination', 'port', 'number', 'weight', 'subset', 'subsets',
  'redirect', 'rewrite', 'timeout', 'retries', 'attempts', 'trafficPolicy', 'loadBalancer', 'simple', 'servers',
  'selector', 'protocol', 'ports', 'endpoints', 'address', 'resolution', 'mtls', 'mode', 'portLevelMtls', 'exportTo',
  'targetPort', 'directResponse', 'status', 'body', 'string', 'queryParams', 'withoutHeaders', 'sourceLabels',
  'egress', 'ingress', 'bind', 'defaultEndpoint', 'tls', 'template', 'probe', 'httpGet', 'tcpSocket', 'exec', 'command',
] // biome-ignore format: a list of words
const WORDS = [
  'a',
  'reviews',
  'a.example.com',
  '*',
  '*.example.com',
  '.',
  'mesh',
  '/',
  '/a',
  '(',
  'HTTP',
  'STATIC',
  'DNS',
  'v1',
  'STRICT',
  'RANDOM',
  '1s',
  '5xx',
  '127.0.0.1',
  'networking.istio.io/v1',
  'security.istio.io/v1',
  'VirtualService',
  'DestinationRule',
  'Gateway',
  'ServiceEntry',
  'WorkloadEntry',
  'WorkloadGroup',
  'Sidecar',
  'PeerAuthentication',
  'Service',
  '',
]

test('random documents never throw', () => {
  const leaf = fc.oneof(fc.constantFrom(...WORDS), fc.integer(), fc.boolean(), fc.constant(null), fc.string())
  const value = fc.letrec(tie => ({
    node: fc.oneof(
      { maxDepth: 6 },
      leaf,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(
        fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.string() }),
        tie('node'),
      ),
    ),
  })).node
  const kinds = [
    ['networking.istio.io/v1', 'VirtualService'],
    ['networking.istio.io/v1', 'DestinationRule'],
    ['networking.istio.io/v1', 'Gateway'],
    ['networking.istio.io/v1', 'ServiceEntry'],
    ['networking.istio.io/v1', 'WorkloadEntry'],
    ['networking.istio.io/v1', 'WorkloadGroup'],
    ['networking.istio.io/v1', 'Sidecar'],
    ['security.istio.io/v1', 'PeerAuthentication'],
    ['v1', 'Service'],
  ] as const
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...kinds), value), { maxLength: 3 }),
      fc.string(),
      (documents, noise) => {
        const objects = documents.map(([[apiVersion, kind], spec], index) =>
          stringify({ apiVersion, kind, metadata: { name: `o${index}` }, spec }),
        )
        translate(objects.join('---\n'))
        translate(noise)
        parseMeshConfig({ file: 'mesh', text: noise })
      },
    ),
    { numRuns: 300 },
  )
})

test('mesh config: defaults, values, and fields refused by name', () => {
  assert.deepEqual(parseMeshConfig({ file: 'm', text: '' }), { meshConfig: DEFAULT_MESH_CONFIG, problems: [] })
  const good = parseMeshConfig({
    file: 'm',
    text: `trustDomain: td
outboundTrafficPolicy: {mode: REGISTRY_ONLY}
accessLogFile: /dev/stdout
accessLogEncoding: JSON
accessLogFormat: '{"a": "%PROTOCOL%"}'
proxyHttpPort: 15080
defaultHttpRetryPolicy: {attempts: 5, retryOn: reset}
enableAutoMtls: false
connectTimeout: 3s
defaultConfig: {interceptionMode: NONE}
`,
  })
  assert.deepEqual(good.problems, [])
  assert.equal(good.meshConfig.outboundTrafficPolicy, 'REGISTRY_ONLY')
  assert.deepEqual(good.meshConfig.defaultHttpRetryPolicy, { attempts: 5, retryOn: 'reset', ignorePreviousHosts: true })
  const bad = parseMeshConfig({
    file: 'm',
    text: 'trustDomain: "a b"\naccessLogEncoding: XML\nenableTracing: true\ntrustDomian: x\nproxyHttpPort: no\n',
  })
  assert.deepEqual(
    bad.problems.map(problem => [problem.code, problem.path]),
    [
      ['WEFT-1005', 'trustDomain'],
      ['WEFT-1005', 'accessLogEncoding'],
      ['WEFT-1004', 'proxyHttpPort'],
      ['WEFT-1007', 'enableTracing'],
      ['WEFT-1003', 'trustDomian'],
    ],
  )
})

test('no rule touches the headers that say where a message ends, but may match them', () => {
  const { problems } = parse(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [r]
  http:
  - match: [{headers: {content-length: {exact: "0"}}}]
    route: [{destination: {host: r}, headers: {request: {set: {Content-Length: "5"}, remove: [transfer-encoding]}}}]
`)
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['spec.http[0].route[0].headers.request.set.Content-Length', 'spec.http[0].route[0].headers.request.remove[0]'],
  )
})

const POLICY =
  'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec:\n  mtls: {mode: STRICT}\n'

test('the text kept of an indented document is a document again', () => {
  const indented = POLICY.replaceAll(/^(?=.)/gm, '    ')
  const [object] = parse(indented).objects
  assert.deepEqual(parse(object!.text).problems, [])
  assert.equal(parse(object!.text).objects.length, 1)
})

test('a tag that means nothing here is refused, not passed over', () => {
  for (const tag of ['!mine', '!!binary', '!!timestamp']) {
    const { objects, problems } = parse(POLICY.replace('STRICT', `${tag} STRICT`))
    assert.deepEqual(objects, [])
    assert.match(problems.map(formatProblem).join('\n'), /^a\.yaml:5:16: error WEFT-1001 .*tag/)
  }
  assert.deepEqual(parse(`%YAML 1.1\n---\n${POLICY.replace('STRICT', '!!str STRICT')}`).problems, [])
})

test('merge keys are honoured: what the map says itself wins', () => {
  const route = 'route: [{destination: {host: r}}]'
  const { objects, problems } = parse(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec:
  hosts: [r]
  http:
  - &base {name: one, timeout: 1s, ${route}}
  - {<<: *base, name: two}
`)
  assert.deepEqual(
    problems.map(problem => problem.code),
    ['WEFT-1012'],
  )
  const [object] = objects
  assert.ok(object?.kind === 'VirtualService')
  assert.deepEqual(
    object.spec.http.map(rule => [rule.name, rule.timeoutMs]),
    [
      ['one', 1000],
      ['two', 1000],
    ],
  )
  assert.match(formatProblem(parse('a: {<<: 3}').problems.at(-1)!), /<<|missing/)
})

test('an alias without an anchor is no matter of size', () => {
  assert.deepEqual(
    parse('a: *nobody').problems.map(problem => problem.code),
    ['WEFT-1001'],
  )
})

test('hosts of one object that overlap are found, a thousand of them at once', () => {
  const hosts = [...Array(999).keys()].map(at => `h${at}.a.example.com`)
  const codes = (...all: readonly string[]) =>
    parse(`apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: r}
spec: {hosts: ${JSON.stringify(all)}, http: [{route: [{destination: {host: r}}]}]}
`).problems.map(problem => problem.code)
  assert.deepEqual(codes(...hosts, '*.b.example.com'), [])
  for (const more of ['*.a.example.com', '*.example.com', 'H998.a.example.com']) {
    assert.deepEqual(codes(...hosts, more), ['WEFT-1011'], more)
    assert.equal(codes(more, ...hosts).includes('WEFT-1011'), true, more)
  }
  assert.deepEqual(codes('*.a.com', '*.b.a.com'), ['WEFT-1011'])
  assert.deepEqual(codes('*.b.a.com', '*.a.com'), ['WEFT-1011'])
  assert.deepEqual(codes('*.a.com', 'a.com'), [])
})
