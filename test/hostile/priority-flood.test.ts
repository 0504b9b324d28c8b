import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './priority-flood.cases.ts'

testHttp2Class(hostileClass, { counters: ['cx_protocol_error'] })
