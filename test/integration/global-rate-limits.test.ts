// Global limits, by traffic.
import { testGlobalRateLimits } from './global-rate-limit-suite.ts'

testGlobalRateLimits('weft')
