import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './http2-stream-errors.cases.ts'

testHttp2Class(hostileClass, { config: { http2ProtocolOptions: { overrideStreamErrorOnInvalidHttpMessage: true } } })
