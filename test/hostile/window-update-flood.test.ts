import { testHostile } from './scene.ts'
import { hostileClass } from './window-update-flood.cases.ts'

testHostile(hostileClass)
