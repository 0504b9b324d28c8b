import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './stream-limits.cases.ts'

testHttp2Class(hostileClass, { config: { http2ProtocolOptions: { maxConcurrentStreams: 2 } } })
