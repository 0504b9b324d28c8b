import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../base/problem.ts'
import { parseConfig } from '../parse-config.ts'
import { parseMeshConfig } from '../parse-mesh-config.ts'

const problems = (kind: string, spec: string, annotations = '{}'): string[] => {
  const apiVersion = kind === 'Service' ? 'v1' : 'networking.istio.io/v1'
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a, annotations: ${annotations}}\nspec:\n  ${spec}\n`
  const found = parseConfig([{ file: 'a', text }], { defaultNamespace: 'default' }).problems
  return found.map(({ severity, code, path, message }) => `${severity} ${code} ${path}: ${message}`)
}
const rule = (http: string): string[] => problems('VirtualService', `{hosts: [a], http: [${http}]}`)
const route = 'route: [{destination: {host: a}}]'

test('what a rule has and nothing looks at is told', () => {
  assert.deepEqual(rule('{timeout: 1s, retries: {attempts: 1}, redirect: {uri: /}}'), [
    'warning WEFT-1012 spec.http[0].timeout: timeout has no effect without route',
    'warning WEFT-1012 spec.http[0].retries: retries has no effect without route',
  ])
  assert.deepEqual(rule(`{headers: {request: {set: {host: b, ":path": /}}, response: {add: {Host: b}}}, ${route}}`), [
    'error WEFT-1005 spec.http[0].headers.request.set[":path"]: ":path" cannot be set',
    'error WEFT-1005 spec.http[0].headers.response.add.Host: "Host" cannot be set',
  ])
  const match = '{ignoreUriCase: true, uri: {regex: a}, gateways: [mesh], sourceLabels: {a: b}}'
  assert.deepEqual(
    rule(`{match: [${match}], ${route}}`).map(line => line.split(': ')[0]),
    ['ignoreUriCase', 'sourceLabels'].map(field => `warning WEFT-1012 spec.http[0].match[0].${field}`),
  )
})

test('a timeout of nothing is refused, as in Istio: none is written by leaving it out', () => {
  assert.deepEqual(rule(`{timeout: 0s, ${route}}`), [
    'error WEFT-1005 spec.http[0].timeout: "0s" must be at least 1ms, in whole milliseconds',
  ])
})

test('names that could not be told apart, and such as Envoy refuses, are errors', () => {
  const match = '{headers: {X-A: {exact: b}, x-a: {exact: c}, x-b: {regex: "*"}}, queryParams: {"": {exact: a}}}'
  assert.deepEqual(rule(`{match: [${match}], ${route}}`), [
    'error WEFT-1011 spec.http[0].match[0].headers.x-a: "x-a" is given twice, in different cases',
    'error WEFT-1005 spec.http[0].match[0].headers.x-b.regex: "*" is not a regex',
    'error WEFT-1005 spec.http[0].match[0].queryParams[""]: the name of a parameter has 1 to 1024 characters',
  ])
})

test('command operators that a proxy would refuse are refused here', () => {
  const values = ['%FOO%', '%REQ%', '%PROTOCOL(a)%', '50%', '100%% %REQ(a?b):3% %START_TIME(%s)% %PROTOCOL%']
  const set = values.map((value, at) => `h${at}: "${value}"`).join(', ')
  assert.deepEqual(
    rule(`{headers: {request: {set: {${set}}}}, ${route}}`).map(line => line.split(' ').slice(1, 3).join(' ')),
    ['WEFT-1007', 'WEFT-1005', 'WEFT-1005', 'WEFT-1005'].map(
      (code, at) => `${code} spec.http[0].headers.request.set.h${at}:`,
    ),
  )
  const mesh = parseMeshConfig({ file: 'm', text: 'accessLogFormat: "%PROTOCL%"\nproxyListenPort: 1\n' })
  assert.deepEqual(mesh.problems.map(formatProblem), [
    'm:1:1: error WEFT-1007 MeshConfig accessLogFormat: the command operator %PROTOCL% is not supported yet; did you mean "PROTOCOL"?',
    'm:2:1: error WEFT-1007 MeshConfig proxyListenPort: proxyListenPort is not supported yet',
  ])
})

test('services: ports of endpoints, ranges of addresses, annotations', () => {
  const ports = 'ports: [{number: 80, name: http}], resolution: STATIC'
  assert.deepEqual(
    problems('ServiceEntry', `{hosts: [a.b], ${ports}, endpoints: [{address: 1.1.1.1, ports: {htp: 1}}]}`),
    ['error WEFT-1005 spec.endpoints[0].ports.htp: no port of the ServiceEntry is called "htp"'],
  )
  assert.deepEqual(problems('ServiceEntry', `{hosts: [a.b], ${ports}, addresses: [10.0.0.1/32, 10.0.0.0/24]}`), [
    'warning WEFT-1012 spec.addresses[1]: "10.0.0.0/24": a range of addresses has no effect for HTTP',
  ])
  const annotation = '{networking.istio.io/traffic-distribution: PreferClose}'
  assert.equal(problems('Service', '{ports: [{port: 80}]}', annotation).length, 1)
  const policies = [1, 2].map(() => '{port: {number: 80}, loadBalancer: {simple: RANDOM}}').join(', ')
  assert.deepEqual(problems('DestinationRule', `{host: a, trafficPolicy: {portLevelSettings: [${policies}]}}`), [
    'warning WEFT-1012 spec.trafficPolicy.portLevelSettings[1]: port 80 is set before, and that holds',
  ])
})
