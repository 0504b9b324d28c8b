import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../base/problem.ts'
import type { ConfigObject } from '../../model/config-object.ts'
import { DEFAULT_MESH_CONFIG, type MeshConfig } from '../../model/mesh-config.ts'
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { Workload } from '../../model/workload.ts'
import { WORKLOAD as PLAIN_WORKLOAD } from '../../model/workload-fixture.ts'
import type { LbEndpoint } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_components_pb.ts'
import type { ClusterLoadAssignment } from '../../xds/generated/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { RouteConfiguration } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { emit } from '../emit/emit.ts'
import { parseConfig } from '../parse-config.ts'
import { link } from './link.ts'
import type { LinkedMesh } from './linked-mesh.ts'

const WORKLOAD: Workload = { ...PLAIN_WORKLOAD, serviceAccount: 'w' }

function objects(text: string): readonly ConfigObject[] {
  const parsed = parseConfig([{ file: 'a.yaml', text }], { defaultNamespace: 'default' })
  assert.deepEqual(
    parsed.problems.filter(problem => problem.severity === 'error'),
    [],
  )
  return parsed.objects
}

function mesh(text: string | readonly ConfigObject[], config: Partial<MeshConfig> = {}, workloads: Workload[] = []) {
  const meshConfig = { ...DEFAULT_MESH_CONFIG, ...config }
  return link({ objects: typeof text === 'string' ? objects(text) : text, services: [], workloads, meshConfig })
}

function node(overrides: Partial<ProxyNode> = {}): ProxyNode {
  const locality = { region: '', zone: '', subZone: '' }
  const base = {
    id: 'x',
    kind: 'sidecar',
    name: 'x',
    namespace: 'default',
    labels: {},
    locality,
    workload: null,
  } as const
  return { ...base, ...overrides }
}

function hostsOf(linked: LinkedMesh, name: string, client: Partial<ProxyNode>): RouteConfiguration['virtualHosts'] {
  const resource = emit(linked, node(client)).routes.find(candidate => candidate.name === name)
  assert.ok(resource, name)
  return (resource.message as RouteConfiguration).virtualHosts
}

/** Virtual host to the name of its first route, for one route configuration. */
function routes(linked: LinkedMesh, name: string, client: Partial<ProxyNode> = {}): Record<string, string> {
  return Object.fromEntries(hostsOf(linked, name, client).map(host => [host.name, host.routes[0]?.name ?? '(none)']))
}

function domains(linked: LinkedMesh, name: string, client: Partial<ProxyNode> = {}): Record<string, readonly string[]> {
  return Object.fromEntries(hostsOf(linked, name, client).map(host => [host.name, host.domains]))
}

const service = (name: string, port = 80, namespace = 'default'): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {ports: [{port: ${port}}]}\n---\n`
const rule = (name: string, spec: string, namespace = 'default'): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n---\n`
const to = (name: string, host = 'a'): string => `http: [{name: ${name}, route: [{destination: {host: ${host}}}]}]`

test('the oldest virtual service has a host, then by name; the others are told', () => {
  const found = objects(
    service('a') + rule('a-young', `{hosts: [a], ${to('young')}}`) + rule('b-old', `{hosts: [a], ${to('old')}}`),
  )
  const tied = mesh(found)
  assert.equal(routes(tied, '80')['a.default.svc.cluster.local:80'], 'young')
  const aged = mesh(found.map(object => ({ ...object, createdAt: object.name === 'b-old' ? 1 : 2 })))
  assert.equal(routes(aged, '80')['a.default.svc.cluster.local:80'], 'old')
  assert.deepEqual(
    aged.problems.map(problem => [problem.code, problem.object, problem.severity]),
    [['WEFT-1104', 'VirtualService default/a-young', 'warning']],
  )
})

test('rules for other clients are left out, and a host without a rule left gets its default route', () => {
  const linked = mesh(
    service('a') +
      rule(
        'a',
        `{hosts: [a], http: [{name: east, match: [{sourceLabels: {zone: east}}], route: [{destination: {host: a}}]}]}`,
      ),
  )
  const name = 'a.default.svc.cluster.local:80'
  assert.equal(routes(linked, '80', { labels: { zone: 'east' } })[name], 'east')
  assert.equal(routes(linked, '80', { labels: { zone: 'west' } })[name], 'default')
})

test('what several proxies share is one object', () => {
  const linked = mesh(service('a') + service('b', 80, 'other'), { proxyHttpPort: 15080 })
  const [one, two, other] = [
    emit(linked, node()),
    emit(linked, node({ name: 'y' })),
    emit(linked, node({ namespace: 'other' })),
  ]
  assert.equal(one.routes[0], two.routes[0])
  assert.notEqual(one.routes[0], other.routes[0])
  for (const cluster of one.clusters)
    assert.ok(two.clusters.includes(cluster) && other.clusters.includes(cluster), cluster.name)
  for (const endpoints of one.endpoints) assert.ok(other.endpoints.includes(endpoints), endpoints.name)
})

test('an HTTP proxy port tells services apart by the port of the authority, and none stands for 80', () => {
  const linked = mesh(service('a') + service('b', 9080) + rule('x', `{hosts: [x.example.com], ${to('x', 'b')}}`), {
    proxyHttpPort: 15080,
  })
  const hosts = domains(linked, 'http_proxy')
  assert.ok(hosts['a.default.svc.cluster.local:80']?.includes('a'))
  assert.ok(hosts['a.default.svc.cluster.local:80']?.includes('a:80'))
  assert.ok(hosts['b.default.svc.cluster.local:9080']?.includes('b:9080'))
  assert.ok(!hosts['b.default.svc.cluster.local:9080']?.includes('b'))
  assert.deepEqual(hosts['x.example.com:80'], ['x.example.com', 'x.example.com:80'])
  assert.deepEqual(hosts['allow_any'], ['*'])
  const elsewhere = domains(linked, 'http_proxy', { namespace: 'other' })
  assert.ok(!elsewhere['a.default.svc.cluster.local:80']?.includes('a'))
})

test('exportTo hides services and rules from other namespaces', () => {
  const hidden = service('a').replace(
    'namespace: default}',
    'namespace: default, annotations: {networking.istio.io/exportTo: .}}',
  )
  const linked = mesh(hidden + service('b') + rule('b', `{hosts: [b], exportTo: [.], ${to('private', 'b')}}`))
  assert.deepEqual(Object.keys(routes(linked, '80', { namespace: 'other' })), [
    'b.default.svc.cluster.local:80',
    'allow_any',
  ])
  assert.equal(routes(linked, '80')['b.default.svc.cluster.local:80'], 'private')
  assert.equal(routes(linked, '80', { namespace: 'other' })['b.default.svc.cluster.local:80'], 'default')
})

test('references that lead nowhere are warnings, with the likely meant name', () => {
  const linked = mesh(
    service('reviews', 9080) +
      'apiVersion: v1\nkind: Service\nmetadata: {name: two}\nspec: {ports: [{name: a, port: 1}, {name: b, port: 2}]}\n---\n' +
      rule(
        'r',
        '{hosts: [r.example.com], gateways: [gww, mesh], http: [{route: [{destination: {host: revews}, weight: 1}, ' +
          '{destination: {host: reviews, subset: v1, port: {number: 80}}, weight: 1}, {destination: {host: two}, weight: 1}]}]}',
      ) +
      'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw}\nspec: {servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: [other.example.com]}]}\n---\n' +
      rule('unserved', `{hosts: [r.example.com], gateways: [gw], ${to('x', 'reviews')}}`) +
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec: {host: reviws, subsets: [{name: v1}]}\n',
  )
  assert.deepEqual(
    linked.problems.map(({ code, severity, path, hint }) => [code, severity, path, hint]),
    [
      [
        'WEFT-1101',
        'warning',
        'spec.http[0].route[0].destination.host',
        'did you mean "reviews.default.svc.cluster.local"?',
      ],
      ['WEFT-1110', 'warning', 'spec.http[0].route[1].destination.port.number', undefined],
      ['WEFT-1102', 'warning', 'spec.http[0].route[1].destination.subset', undefined],
      ['WEFT-1105', 'warning', 'spec.http[0].route[2].destination', undefined],
      ['WEFT-1103', 'warning', 'spec.gateways[0]', 'did you mean "default/gw"?'],
      ['WEFT-1109', 'warning', 'spec.hosts', undefined],
      ['WEFT-1101', 'warning', 'spec.host', 'did you mean "reviews.default.svc.cluster.local"?'],
    ],
  )
})

test('mTLS is strict where nobody says otherwise, and the nearest policy decides', () => {
  const policy = (name: string, namespace: string, spec: string): string =>
    `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n---\n`
  assert.equal(mesh('').peerPolicies.of('a', {}, 80).mode, 'STRICT')
  const { peerPolicies } = mesh(
    policy('m', 'istio-system', '{mtls: {mode: PERMISSIVE}}') +
      policy('root', 'istio-system', '{selector: {matchLabels: {app: x}}, mtls: {mode: DISABLE}}') +
      policy('n', 'a', '{mtls: {mode: DISABLE}}') +
      policy('unset', 'b', '{mtls: {mode: UNSET}}') +
      policy(
        'w',
        'a',
        '{selector: {matchLabels: {app: x}}, mtls: {mode: STRICT}, portLevelMtls: {81: {mode: PERMISSIVE}, 82: {}}}',
      ) +
      policy('ports', 'a', '{selector: {matchLabels: {app: y}}, portLevelMtls: {81: {mode: STRICT}}}'),
  )
  const mode = (namespace: string, app: string, port: number) => peerPolicies.of(namespace, { app }, port).mode
  assert.deepEqual(
    [mode('c', 'x', 80), mode('b', 'x', 80), mode('a', 'z', 80)],
    ['PERMISSIVE', 'PERMISSIVE', 'DISABLE'],
  )
  assert.deepEqual([mode('a', 'x', 80), mode('a', 'x', 81), mode('a', 'x', 82)], ['STRICT', 'PERMISSIVE', 'STRICT'])
  assert.deepEqual([mode('a', 'y', 80), mode('a', 'y', 81)], ['DISABLE', 'STRICT'])
})

test('destination rules: own namespace first, then the service, then the root; merged by host', () => {
  const destinationRule = (name: string, namespace: string, spec: string): string =>
    `apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n---\n`
  const full = 'a.default.svc.cluster.local'
  const linked = mesh(
    service('a') +
      destinationRule('one', 'default', '{host: a, subsets: [{name: v1, labels: {version: v1}}]}') +
      destinationRule(
        'two',
        'default',
        `{host: ${full}, trafficPolicy: {loadBalancer: {simple: RANDOM}}, subsets: [{name: v1, labels: {version: v9}}, {name: v2}]}`,
      ) +
      destinationRule('client', 'other', `{host: ${full}, subsets: [{name: mine}]}`) +
      destinationRule('wild', 'third', '{host: "*.svc.cluster.local", subsets: [{name: wild}]}') +
      destinationRule(
        'some',
        'third',
        `{host: ${full}, workloadSelector: {matchLabels: {app: x}}, subsets: [{name: selected}]}`,
      ),
  )
  const subsets = (namespace: string, labels: Record<string, string> = {}): readonly string[] | undefined => {
    const [target] = linked.services
    assert.ok(target)
    return linked.destinationRules
      .of(target, namespace, labels)
      ?.subsets.map(subset => `${subset.name} ${subset.labels['version'] ?? ''}`)
  }
  assert.deepEqual(subsets('default'), ['v1 v1', 'v2 '])
  assert.deepEqual(subsets('elsewhere'), ['v1 v1', 'v2 '])
  assert.deepEqual(subsets('other'), ['mine '])
  // A rule for some workloads hides all others from the rest of its namespace, as in Istio.
  assert.equal(subsets('third'), undefined)
  assert.deepEqual(subsets('third', { app: 'x' }), ['selected '])
})

const entry = (name: string, spec: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: ${name}}\nspec: {hosts: [${name}.example.com], ports: [{number: 80, name: http}], ${spec}}\n---\n`
const workloadEntry = (name: string, spec: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: WorkloadEntry\nmetadata: {name: ${name}}\nspec: {labels: {app: a}, ${spec}}\n---\n`

function assignments(linked: LinkedMesh): ClusterLoadAssignment[] {
  return emit(linked, node()).endpoints.map(resource => resource.message as ClusterLoadAssignment)
}

/** `address:port` of every endpoint, by cluster. */
function addresses(linked: LinkedMesh): Record<string, readonly string[]> {
  const of = ({ hostIdentifier }: LbEndpoint): string => {
    const address = hostIdentifier.case === 'endpoint' ? hostIdentifier.value.address?.address : undefined
    if (address?.case !== 'socketAddress') return '?'
    return `${address.value.address}:${address.value.portSpecifier.value}`
  }
  return Object.fromEntries(
    assignments(linked).map(({ clusterName, endpoints }) => [
      clusterName,
      endpoints.flatMap(locality => locality.lbEndpoints.map(of)),
    ]),
  )
}

test('a Service selects WorkloadEntries, by number and by name of their ports', () => {
  const linked = mesh(
    `apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: a}, ports: [{port: 80, name: http, targetPort: 8080}, {port: 81, name: adm, targetPort: admin}]}\n---\n${workloadEntry('one', 'address: 10.0.0.1, serviceAccount: x')}${workloadEntry('two', 'address: 10.0.0.2, ports: {admin: 9000, http: 9001}')}`,
  )
  assert.deepEqual(addresses(linked), {
    'outbound|80||s.default.svc.cluster.local': ['10.0.0.1:8080', '10.0.0.2:9001'],
    'outbound|81||s.default.svc.cluster.local': ['10.0.0.2:9000'],
  })
  assert.deepEqual(linked.services[0]?.subjectAltNames(), ['spiffe://cluster.local/ns/default/sa/x'])
})

test('a WorkloadEntry with a name for an address is no endpoint where nothing resolves it', () => {
  const selector = 'workloadSelector: {labels: {app: a}}'
  const linked = mesh(
    `${entry('s', `resolution: STATIC, ${selector}`)}${workloadEntry('w', 'address: db.example.org')}${workloadEntry('x', 'address: 10.0.0.1')}`,
  )
  assert.deepEqual(addresses(linked), { 'outbound|80||s.example.com': ['10.0.0.1:80'] })
  assert.match(
    linked.problems.map(formatProblem).join('\n'),
    /^a\.yaml:\d+:7: warning WEFT-1012 .*default\/w spec.address/,
  )
})

test('weights that Envoy could not add up are made smaller in proportion', () => {
  const endpoints =
    'resolution: STATIC, endpoints: [{address: 10.0.0.1, weight: 4294967295}, {address: 10.0.0.2, weight: 2147483648}, {address: 10.0.0.3}]'
  const [assignment] = assignments(mesh(entry('s', endpoints)))
  const locality = assignment!.endpoints[0]!
  const weights = locality.lbEndpoints.map(endpoint => endpoint.loadBalancingWeight!)
  assert.equal(
    locality.loadBalancingWeight,
    weights.reduce((sum, weight) => sum + weight, 0),
  )
  assert.ok(locality.loadBalancingWeight! <= 0xffff_ffff)
  assert.equal(Math.round((weights[0]! / weights[1]!) * 1000), 2000)
  assert.equal(weights[2], 1)
})

test('no two listeners of a proxy have one address', () => {
  const gateway = (name: string, port: number, bind = '') =>
    `apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: ${name}}\nspec: {servers: [{port: {number: ${port}, name: http, protocol: HTTP}, hosts: ["*"], bind: "${bind}"}]}\n---\n`
  const names = (linked: LinkedMesh, client: Partial<ProxyNode>) =>
    emit(linked, node(client)).listeners.map(listener => listener.name)
  const linked = mesh(gateway('a', 80) + gateway('b', 80, '127.0.0.1') + gateway('c', 8080) + gateway('d', 90))
  const proxy = { kind: 'router', bindAddress: '127.0.0.1', gatewayPorts: { 80: 8080 } } as const
  const router = { ...WORKLOAD, proxy }
  assert.deepEqual(names(linked, { kind: 'router', workload: router }), ['127.0.0.1_8080', '127.0.0.1_90'])
  const ports = [{ name: 'http', number: 80, applicationPort: 8000, inboundPort: 80 }]
  const sidecar = { ...WORKLOAD, ports, proxy: { kind: 'sidecar', bindAddress: '127.0.0.1' } } as const
  assert.deepEqual(names(mesh(service('a') + service('b', 81)), { workload: sidecar }), [
    '127.0.0.1_80',
    '127.0.0.1_81',
  ])
})

test('the oldest PeerAuthentication of a level decides even where it leaves the mode open; others are told', () => {
  const policy = (name: string, mode: string, namespace = 'default', more = '') =>
    `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {mtls: {mode: ${mode}}${more}}\n---\n`
  const linked = mesh(
    policy('a', 'UNSET') +
      policy('b', 'DISABLE') +
      policy('m', 'PERMISSIVE', 'istio-system') +
      policy('n', 'DISABLE', 'istio-system', ', selector: {matchLabels: {app: a}}'),
  )
  assert.equal(linked.peerPolicies.of('default', {}, 80).mode, 'PERMISSIVE')
  assert.deepEqual(
    linked.problems.map(problem => [problem.object, problem.code]),
    [
      ['PeerAuthentication default/b', 'WEFT-1012'],
      ['PeerAuthentication istio-system/n', 'WEFT-1012'],
    ],
  )
})

test('a rule that delegates to nothing, and what of a delegate is left out, is told', () => {
  const delegating = (name: string, match = ''): string => `{${match}delegate: {name: ${name}}}`
  const away = (spec: string): string => `{${spec}, http: [{route: [{destination: {host: a}}]}]}`
  const rules = [delegating('rulez'), delegating('root'), delegating('hidden, namespace: other'), delegating('rules')]
  const outside = '{match: [{uri: {prefix: /b}}], route: [{destination: {host: a}}]}'
  const linked = mesh(
    service('a') +
      rule(
        'root',
        `{hosts: [a], http: [${rules.join(', ')}, ${delegating('rules', 'match: [{uri: {exact: /a}}], ')}]}`,
      ) +
      rule('rules', `{http: [${outside}, {name: x, route: [{destination: {host: nowhere}}]}]}`) +
      rule('hidden', away('exportTo: [.]').replace('host: a', 'host: a.default.svc.cluster.local'), 'other') +
      rule('unused', away('exportTo: ["*"]')),
  )
  const name = 'VirtualService default/'
  assert.deepEqual(
    linked.problems.map(problem => `${problem.code} ${problem.object} ${problem.path}: ${problem.message}`),
    [
      `WEFT-1101 ${name}rules spec.http[1].route[0].destination.host: the host "nowhere.default.svc.cluster.local" is not known; requests to it get 503`,
      `WEFT-1111 ${name}root spec.http[0].delegate: the VirtualService "default/rulez" is not known`,
      `WEFT-1111 ${name}root spec.http[1].delegate: the VirtualService "default/root" has hosts of its own, which a delegate has not`,
      `WEFT-1111 ${name}root spec.http[2].delegate: the VirtualService "other/hidden" is not exported to the namespace "default"`,
      `WEFT-1112 ${name}rules spec.http[0].match: matches what http[4] of VirtualService default/root, which delegates to it, does not`,
      `WEFT-1111 ${name}unused spec: it has no hosts, and no rule delegates to it`,
    ],
  )
  assert.deepEqual(
    linked.virtualServices.map(virtual => [virtual.name, virtual.http.length]),
    [['root', 3]],
  )
})

const NAMED = (host: string, more = ''): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${host.replace('*', 'any')}}
spec: {hosts: ["${host}"], ports: [{number: 80, name: http, protocol: HTTP}], ${more || 'resolution: STATIC, endpoints: [{address: 10.0.0.1}]'}}
---`

test('TLS to a service of a wildcard has no server name to send, unless each request has one', () => {
  const rule = (host: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: rule}
spec: {host: "${host}", trafficPolicy: {tls: {mode: SIMPLE}}}
`
  const told = (service: string): string[] =>
    mesh(service + rule('*.example.com')).problems.map(({ message, hint }) => `${message}; ${hint}`)
  const message = 'no server name is sent to the service "*.example.com": it has none of its own; set tls.sni'
  assert.deepEqual(told(NAMED('*.example.com')), [message])
  assert.deepEqual(told(NAMED('*.example.com', 'resolution: DYNAMIC_DNS')), [])
  assert.deepEqual(told(NAMED('a.example.com')), [])
})

test('a Sidecar leaves out services, and rules of which it leaves nothing', () => {
  const rules = (name: string, hosts: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec: {hosts: [${hosts}], http: [{name: of-${name}, route: [{destination: {host: a.example.com}}]}]}
---`
  const text = `${NAMED('a.example.com')}${NAMED('b.example.com')}${NAMED('c.example.com')}${rules('a', 'a.example.com')}${rules('b', 'b.example.com')}${rules('both', 'c.example.com, d.example.com')}
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: default}
spec: {egress: [{hosts: ["*/*", "./b.example.com", "~/b.example.com", "~default/d.example.com", "~other/a.example.com"]}]}
`
  assert.deepEqual(routes(mesh(text), '80'), {
    'a.example.com:80': 'of-a',
    'c.example.com:80': 'of-both',
    'd.example.com:80': 'of-both',
    allow_any: 'allow_any',
  })
})
