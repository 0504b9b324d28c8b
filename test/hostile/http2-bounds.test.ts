import { hostileClass } from './http2-bounds.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
