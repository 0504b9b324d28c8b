import { hostileClass } from './priority-flood.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
