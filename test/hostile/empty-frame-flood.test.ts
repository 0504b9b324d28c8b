import { hostileClass } from './empty-frame-flood.cases.ts'
import { testHttp2Class } from './http2-attack.ts'

testHttp2Class(hostileClass, { counters: ['cx_protocol_error'] })
