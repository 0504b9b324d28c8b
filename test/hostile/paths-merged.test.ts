import { hostileClass } from './paths-merged.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
