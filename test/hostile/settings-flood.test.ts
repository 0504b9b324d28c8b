import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './settings-flood.cases.ts'

testHttp2Class(hostileClass, { isDeaf: true, counters: ['cx_protocol_error'] })
