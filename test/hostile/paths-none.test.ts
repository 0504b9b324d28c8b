import { hostileClass } from './paths-none.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
