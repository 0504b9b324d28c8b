import { hostileClass } from './hpack-bomb.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
