// What ports speak besides HTTP/1.1, between Weft's own sidecars.
import { testProtocols } from './protocol-suite.ts'

testProtocols([])
