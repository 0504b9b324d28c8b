import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiClient } from '../client/api-client.ts'
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

test('rules for bytes are told with what they look at and where they send', async () => {
  const answers: Record<string, unknown> = {
    '/v1/config': { objects: TEXT.split('---').map(text => ({ file: 'a.yaml', namespace: 'default', text })) },
    '/v1/instances': { instances: [] },
    '/v1/services': { services: [] },
  }
  const view = await MeshView.fetch({ get: async (path: string) => answers[path] } as unknown as ApiClient)
  const lines = describeService(view, { name: 'db', namespace: 'default' })!
  assert.deepEqual(lines.slice(lines.indexOf('VirtualService: db')), [
    'VirtualService: db',
    '   Match: TLS db.default.svc.cluster.local on port 443',
    '      Route to host "db" subset "v2"',
    '   Match: TCP to 10.0.0.0/8 from app=a, any',
    '      Route to host "db" subset "v1" with weight 75%',
    '      Route to host "other" with weight 25% (another service)',
  ])
})

test('a rollout is named beside the rules whose weights it decides', async () => {
  const rollout = `
apiVersion: weft.dev/v1alpha1
kind: Rollout
metadata: {name: r}
spec: {host: db, stable: v1, canary: v2, steps: [{weight: 10, hold: 1m}], thresholds: {successRate: 99}}
`
  const texts = [...TEXT.split('---'), rollout]
  const answers: Record<string, unknown> = {
    '/v1/config': { objects: texts.map(text => ({ file: 'a.yaml', namespace: 'default', text })) },
    '/v1/instances': { instances: [] },
    '/v1/services': { services: [] },
  }
  const view = await MeshView.fetch({ get: async (path: string) => answers[path] } as unknown as ApiClient)
  const lines = describeService(view, { name: 'db', namespace: 'default' })!
  assert.deepEqual(lines.slice(-2), ['Rollout: r', '   Says how "v1" and "v2" share what goes to either'])
})
