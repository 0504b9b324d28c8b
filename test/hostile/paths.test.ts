import { hostileClass } from './paths.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
