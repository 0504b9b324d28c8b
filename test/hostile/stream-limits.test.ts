import { testHostile } from './scene.ts'
import { hostileClass } from './stream-limits.cases.ts'

testHostile(hostileClass)
