import { hostileClass } from './hostile-upstream.cases.ts'
import { testHostileUpstream } from './upstream-scene.ts'

testHostileUpstream(hostileClass)
