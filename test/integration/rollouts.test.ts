// Rollouts, by traffic.
import { testRollouts } from './rollout-suite.ts'

testRollouts('weft')
