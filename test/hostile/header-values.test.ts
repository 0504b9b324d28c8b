import { hostileClass } from './header-values.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
