import { hostileClass } from './continuation-flood.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
