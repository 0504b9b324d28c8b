import { hostileClass } from './hpack-bomb.cases.ts'
import { testHttp2Class } from './http2-attack.ts'

testHttp2Class(hostileClass)
