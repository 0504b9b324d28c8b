// Every way in which a bootstrap can be misspelt is told, each at its line, all at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../base/problem.ts'
import type { DataSourceReader } from './data-sources.ts'
import { type BootstrapFile, readBootstrap } from './read-bootstrap.ts'

const SOURCES: DataSourceReader = {
  readFile(path) {
    if (path === 'cert.pem') return Buffer.from('PEM')
    throw new Error(`ENOENT: ${path}`)
  },
  environmentVariable: name => (name === 'KEY' ? 'from the environment' : undefined),
}

function read(text: string): BootstrapFile {
  const outcome = readBootstrap({ file: 'envoy.yaml', text }, SOURCES)
  assert.ok('file' in outcome)
  return outcome.file
}

const problemsOf = (text: string): string[] => read(text).allProblems([]).map(formatProblem)

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

test('YAML and JSON, and both spellings of protobuf, are one message', () => {
  const yaml = read(
    'static_resources:\n  clusters:\n    - name: a\n      connect_timeout: 0.5s\n      type: STRICT_DNS\n',
  )
  const json = read(
    '{"staticResources": {"clusters": [{"name": "a", "connectTimeout": "0.5s", "type": "STRICT_DNS"}]}}',
  )
  assert.deepEqual(yaml.bootstrap, json.bootstrap)
  assert.deepEqual(yaml.allProblems([]), [])
  const [cluster] = yaml.bootstrap.staticResources?.clusters ?? []
  assert.deepEqual([cluster?.name, cluster?.connectTimeout?.nanos], ['a', 500_000_000])
})

test('what is not known or of the wrong type is named at its place, and hides nothing else', () => {
  assert.deepEqual(
    problemsOf(
      [
        'admin:',
        '  adress: {}',
        'node: [x]',
        'static_resources:',
        '  clusters:',
        '    - name: 7',
        '      connect_timeout: 250ms',
        '      lb_policy: ROUND',
        '      type: STATIC',
        '      cluster_type: {}',
        '      load_assignment: { endpoints: { } }',
      ].join('\n'),
    ),
    [
      'envoy.yaml:2:3: error WEFT-1003 admin.adress: unknown field; did you mean "address"?',
      'envoy.yaml:3:7: error WEFT-1004 node: must be an object, not a list',
      'envoy.yaml:6:13: error WEFT-1004 static_resources.clusters[0].name: must be text, not the number 7',
      'envoy.yaml:7:24: error WEFT-1004 static_resources.clusters[0].connect_timeout: must be a duration like "0.25s", not the text "250ms"',
      'envoy.yaml:8:18: error WEFT-1004 static_resources.clusters[0].lb_policy: must be one of ROUND_ROBIN, LEAST_REQUEST, RING_HASH, RANDOM, MAGLEV, CLUSTER_PROVIDED, LOAD_BALANCING_POLICY_CONFIG, not the text "ROUND"',
      'envoy.yaml:10:7: error WEFT-1011 static_resources.clusters[0].cluster_type: excludes type',
      'envoy.yaml:11:37: error WEFT-1004 static_resources.clusters[0].load_assignment.endpoints: must be a list, not a map',
    ],
  )
})

test('an Any is read by its type; one of no known type is refused, not skipped', () => {
  const listener = (typedConfig: string): string =>
    `static_resources: { listeners: [{ filter_chains: [{ filters: [{ typed_config: ${typedConfig} }] }] }] }`
  const at = 'static_resources.listeners[0].filter_chains[0].filters[0].typed_config'
  assert.deepEqual(problemsOf(listener(`{ "@type": ${HCM}, stat_prefix: a }`)), [])
  assert.match(problemsOf(listener(`{ "@type": ${HCM}, stat_prefux: a }`))[0] ?? '', /stat_prefux: unknown field/)
  assert.match(problemsOf(listener('{ a: 1 }'))[0] ?? '', /WEFT-1006 .*typed_config: @type is missing$/)
  const [problem] = problemsOf(listener('{ "@type": type.googleapis.com/some.Filter, a: 1 }'))
  assert.ok(
    problem?.endsWith(`error WEFT-4001 ${at}: type.googleapis.com/some.Filter is not supported`),
    String(problem),
  )
})

test('a filter that is only switched on says so by an Any of nothing, as Envoy is told to', () => {
  const wrapper = 'type.googleapis.com/envoy.config.route.v3.FilterConfig'
  const host = (config: string): string =>
    `static_resources: { listeners: [{ filter_chains: [{ filters: [{ typed_config: { "@type": ${HCM}, route_config: { virtual_hosts: [{ typed_per_filter_config: { fault: { "@type": ${wrapper}, config: ${config} } } }] } } }] }] }] }`
  assert.deepEqual(problemsOf(host('{}')), [])
  assert.match(problemsOf(host('{ a: 1 }'))[0] ?? '', /WEFT-1006 .*config: @type is missing$/)
})

test('files and variables stand in the message by their content, and in the dump by their names', () => {
  const file = read(
    'static_resources: { secrets: [{ name: s, tls_certificate: { certificate_chain: { filename: cert.pem }, private_key: { environment_variable: KEY } } }] }',
  )
  assert.deepEqual(file.allProblems([]), [])
  const [used] = file.bootstrap.staticResources?.secrets ?? []
  const [dumped] = file.verbatim.staticResources?.secrets ?? []
  assert.ok(used?.type.case === 'tlsCertificate' && dumped?.type.case === 'tlsCertificate')
  const value = new Uint8Array(Buffer.from('PEM'))
  assert.deepEqual(used.type.value.certificateChain?.specifier, { case: 'inlineBytes', value })
  assert.equal(used.type.value.privateKey?.specifier.value, 'from the environment')
  assert.deepEqual(dumped.type.value.certificateChain?.specifier, { case: 'filename', value: 'cert.pem' })
  assert.deepEqual(
    problemsOf(
      'static_resources:\n  secrets:\n  - tls_certificate:\n      certificate_chain: { filename: no }\n      private_key: { environment_variable: NO }\n',
    ).map(text => text.replace('static_resources.secrets[0].tls_certificate', '…')),
    [
      'envoy.yaml:4:28: error WEFT-1005 ….certificate_chain.filename: cannot be read: ENOENT: no',
      'envoy.yaml:5:22: error WEFT-1005 ….private_key.environment_variable: the variable NO is not set',
    ],
  )
})

test('what nobody in the file defines, or a control plane would have to bring, is refused', () => {
  const withRoutes = (table: string): string =>
    `static_resources:
  clusters: [{ name: here }]
  listeners:
    - filter_chains:
        - filters:
            - typed_config: { "@type": ${HCM}, route_config: ${table} }
`
  const table = (more: string): string =>
    `{ ${more} virtual_hosts: [{ routes: [{ route: { weighted_clusters: { clusters: [{ name: here }, { name: gone }] } } }] }] }`
  assert.match(
    problemsOf(withRoutes(table('')))[0] ?? '',
    /weighted_clusters.clusters\[1\].name: there is no cluster "gone"$/,
  )
  assert.deepEqual(problemsOf(withRoutes(table('validate_clusters: false,'))), [])
  assert.match(
    problemsOf(
      'static_resources: { clusters: [{ name: a, type: EDS, eds_cluster_config: { eds_config: { ads: {} } } }] }',
    )[0] ?? '',
    /eds_config: no control plane stands behind a static bootstrap$/,
  )
})

test('a problem of what was compiled gets its place, and what was told already is not told twice', () => {
  const file = read('static_resources:\n  clusters:\n    - name: a\n      typ: STATIC\n      lbPolicy: MAGLEV\n')
  const compiled = ['lb_policy', 'typ', 'connect_timeout'].map(field => ({
    code: 'WEFT-4001' as const,
    severity: 'error' as const,
    path: `static_resources.clusters[0].${field}`,
    message: 'is not supported',
  }))
  assert.deepEqual(
    file.allProblems(compiled).map(({ code, path, position }) => [code, path, position?.line, position?.column]),
    [
      ['WEFT-1003', 'static_resources.clusters[0].typ', 4, 7],
      ['WEFT-4001', 'static_resources.clusters[0].lb_policy', 5, 7],
      ['WEFT-4001', 'static_resources.clusters[0].connect_timeout', 3, 7],
    ],
  )
})

test('no document, two documents, no YAML', () => {
  for (const [text, message] of [
    ['', /no bootstrap/],
    ['a: 1\n---\nb: 1\n', /more than one document/],
    ['[1', /./],
    ['- 1', /must be an object/],
  ] as const) {
    const outcome = readBootstrap({ file: 'envoy.yaml', text }, SOURCES)
    assert.ok('problems' in outcome)
    assert.match(outcome.problems[0]?.message ?? '', message)
  }
})
