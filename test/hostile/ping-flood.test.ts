import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './ping-flood.cases.ts'

testHttp2Class(hostileClass, { isDeaf: true, counters: ['cx_protocol_error'] })
