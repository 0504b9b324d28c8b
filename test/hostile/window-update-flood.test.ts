import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './window-update-flood.cases.ts'

testHttp2Class(hostileClass, { counters: ['cx_protocol_error'] })
