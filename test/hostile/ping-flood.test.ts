import { hostileClass } from './ping-flood.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
