// HBONE between two Weft proxies, one of them in a mesh.
import { testHbone } from './hbone-suite.ts'

testHbone('weft', [])
