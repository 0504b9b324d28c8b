import { testHostile } from './scene.ts'
import { hostileClass } from './size-limits.cases.ts'

testHostile(hostileClass)
