import { hostileClass } from './empty-frame-flood.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
