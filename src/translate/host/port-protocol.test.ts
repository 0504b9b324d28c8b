// What a port is taken to speak.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { portProtocol, registeredProtocol } from './port-protocol.ts'

test('appProtocol, then the prefix of the name, then the number', () => {
  for (const [name, appProtocol, port, expected] of [
    ['http', undefined, 80, 'HTTP'],
    ['HTTP2-api', undefined, 80, 'HTTP2'],
    ['grpc-web', undefined, 80, 'GRPC-WEB'],
    ['grpc-web-x', undefined, 80, 'GRPC-WEB'],
    ['grpc-x', undefined, 80, 'GRPC'],
    ['httpx', undefined, 80, 'UNDECLARED'],
    ['', undefined, 3306, 'TCP'],
    ['http-db', undefined, 3306, 'HTTP'],
    ['tcp', 'kubernetes.io/h2c', 80, 'HTTP2'],
    ['tcp', 'kubernetes.io/ws', 80, 'HTTP'],
    ['tcp', 'gRPC', 80, 'GRPC'],
    ['tcp', 'example.com/unknown', 80, 'TCP'],
    ['', 'kubernetes.io/wss', 80, 'HTTPS'],
  ] as const)
    assert.equal(portProtocol(name, appProtocol, port), expected, `${name} ${appProtocol} ${port}`)
})

test('in the registry a port of which nothing is said is HTTP', () => {
  assert.equal(registeredProtocol({ name: 'main', number: 80 }), 'HTTP')
  assert.equal(registeredProtocol({ name: 'grpc', number: 80 }), 'GRPC')
  assert.equal(registeredProtocol({ name: 'main', number: 80, protocol: 'tcp' }), 'TCP')
})
