import { hostileClass } from './paths-redirected.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
