import { testHostile } from './scene.ts'
import { hostileClass } from './settings-flood.cases.ts'

testHostile(hostileClass)
