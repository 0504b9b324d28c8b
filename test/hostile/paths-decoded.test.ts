import { hostileClass } from './paths-decoded.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
