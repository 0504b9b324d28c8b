import { hostileClass } from './http2-messages.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
