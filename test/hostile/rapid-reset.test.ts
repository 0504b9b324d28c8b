import { testHttp2Class } from './http2-attack.ts'
import { hostileClass } from './rapid-reset.cases.ts'

testHttp2Class(hostileClass, { counters: ['rq_too_many_premature_resets'] })
