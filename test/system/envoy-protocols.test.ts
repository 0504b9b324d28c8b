// The same protocols with real Envoys for some of the sidecars: between two of them, and with Weft's on either side.
import { suite } from 'node:test'
import { testProtocols } from '../integration/protocol-suite.ts'

suite('Envoy beside the gRPC service and its caller', () => testProtocols(['greeter', 'caller']))
suite('Envoy beside the services of bytes and WebSockets', () => testProtocols(['bytes', 'sockets']))
