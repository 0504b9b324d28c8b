// HBONE with a real Envoy on one side: as the client of a mesh's workloads, and as their sidecar.
import { suite } from 'node:test'
import { testHbone } from '../integration/hbone-suite.ts'

suite('an Envoy as the client', () => testHbone('envoy', []))
suite('Envoys as sidecars', () => testHbone('weft', ['greeter', 'bytes', 'sockets']))
