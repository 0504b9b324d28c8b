import { testHostile } from './scene.ts'
import { hostileClass } from './smuggling.cases.ts'

testHostile(hostileClass)
