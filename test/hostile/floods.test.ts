import { hostileClass } from './floods.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
