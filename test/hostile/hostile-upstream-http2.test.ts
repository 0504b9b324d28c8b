import { hostileClass } from './hostile-upstream-http2.cases.ts'
import { testHostileUpstream } from './upstream-scene.ts'

testHostileUpstream(hostileClass)
