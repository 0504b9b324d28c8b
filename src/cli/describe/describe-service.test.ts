import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiClient } from '../client/api-client.ts'
import { describeHost } from './describe-host.ts'
import { describeService } from './describe-service.ts'
import { MeshView } from './mesh-view.ts'

const TEXT = `
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{name: tcp, port: 5432}, {name: tls, port: 443}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: db}
spec:
  hosts: [db.default.svc.cluster.local]
  tls:
  - match: [{sniHosts: [db.default.svc.cluster.local], port: 443}]
    route: [{destination: {host: db, subset: v2}}]
  tcp:
  - match: [{destinationSubnets: [10.0.0.0/8], sourceLabels: {app: a}}, {}]
    route: [{destination: {host: db, subset: v1}, weight: 3}, {destination: {host: other}, weight: 1}]
`

async function viewOf(config: string): Promise<MeshView> {
  const answers: Record<string, unknown> = {
    '/v1/config': { objects: config.split('---').map(text => ({ file: 'a.yaml', namespace: 'default', text })) },
    '/v1/instances': { instances: [] },
    '/v1/services': { services: [] },
  }
  return await MeshView.fetch({ get: async (path: string) => answers[path] } as unknown as ApiClient)
}

test('rules for bytes are told with what they look at and where they send', async () => {
  const lines = describeService(await viewOf(TEXT), { name: 'db', namespace: 'default' })!
  assert.deepEqual(lines.slice(lines.indexOf('VirtualService: db')), [
    'VirtualService: db',
    '   Match: TLS db.default.svc.cluster.local on port 443',
    '      Route to host "db" subset "v2"',
    '   Match: TCP to 10.0.0.0/8 from app=a, any',
    '      Route to host "db" subset "v1" with weight 75%',
    '      Route to host "other" with weight 25% (another service)',
  ])
})

const POLICIES = `
apiVersion: v1
kind: Service
metadata: {name: ratings}
spec: {ports: [{name: http, port: 9080}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings}
spec:
  hosts: [ratings]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    fault:
      delay: {percentage: {value: 100}, fixedDelay: 7s}
      abort: {percentage: {value: 0.5}, httpStatus: 500}
    route: [{destination: {host: ratings}}]
  - route: [{destination: {host: ratings}}]
    timeout: 0.5s
    mirror: {host: ratings, subset: v2}
    mirrorPercentage: {value: 10}
`

test('what else a rule does is told below where it sends: faults, time limit, copies', async () => {
  const lines = describeService(await viewOf(POLICIES), { name: 'ratings', namespace: 'default' })!
  assert.deepEqual(lines.slice(lines.indexOf('VirtualService: ratings')), [
    'VirtualService: ratings',
    '   Match: header end-user jason',
    '      Route to host "ratings"',
    '      Fault: 100% delayed by 7s',
    '      Fault: 0.5% answered 500',
    '   Match: /*',
    '      Route to host "ratings"',
    '      Timeout: 0.5s',
    '      Mirror: 10% to host "ratings" subset "v2"',
  ])
})

const OUTSIDE = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: books}
spec:
  hosts: [books.example.com, "*.books.example.com"]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 443, name: tls, protocol: TLS}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1, ports: {http: 9090}}, {address: 127.0.0.2}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: books}
spec:
  hosts: [books.example.com]
  http: [{timeout: 1s, route: [{destination: {host: books.example.com}}]}]
`

test('a host of a ServiceEntry is a service, too', async () => {
  const view = await viewOf(OUTSIDE)
  assert.deepEqual(describeHost(view, 'books.example.com'), [
    'ServiceEntry: books for books.example.com',
    '   Port: http 80/HTTP',
    '   Port: tls 443/TLS',
    '   Endpoint: 127.0.0.1 http:9090',
    '   Endpoint: 127.0.0.2',
    'VirtualService: books',
    '   Match: /*',
    '      Route to host "books.example.com"',
    '      Timeout: 1s',
  ])
  assert.equal(describeHost(view, 'a.books.example.com')?.[0], 'ServiceEntry: books for *.books.example.com')
  assert.equal(describeHost(view, 'example.com'), null)
})

test('a rollout is named beside the rules whose weights it decides', async () => {
  const rollout = `
apiVersion: weft.dev/v1alpha1
kind: Rollout
metadata: {name: r}
spec: {host: db, stable: v1, canary: v2, steps: [{weight: 10, hold: 1m}], thresholds: {successRate: 99}}
`
  const lines = describeService(await viewOf(`${TEXT}---${rollout}`), { name: 'db', namespace: 'default' })!
  assert.deepEqual(lines.slice(-2), ['Rollout: r', '   Says how "v1" and "v2" share what goes to either'])
})
