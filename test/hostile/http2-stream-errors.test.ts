import { hostileClass } from './http2-stream-errors.cases.ts'
import { testHostile } from './scene.ts'

testHostile(hostileClass)
