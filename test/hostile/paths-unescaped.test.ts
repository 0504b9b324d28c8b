import { hostileClass } from './paths-unescaped.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
