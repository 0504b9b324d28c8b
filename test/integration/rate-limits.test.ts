// Limits at the gateway and at a sidecar, by traffic.
import { testRateLimits } from './rate-limit-suite.ts'

testRateLimits('weft')
