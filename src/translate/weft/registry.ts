// The kinds that are Weft's own.
import type { KindDefinition } from '../document/kind-definition.ts'
import { RATE_LIMIT } from './rate-limit/rate-limit.ts'
import { ROLLOUT } from './rollout/rollout.ts'

export const WEFT_KINDS: readonly KindDefinition[] = [RATE_LIMIT, ROLLOUT]
