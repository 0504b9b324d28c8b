// The messages by which filters are told of rate limits, for what people write of Envoy's config themselves.
import { createRegistry, type Registry } from '@bufbuild/protobuf'
import { LocalRateLimitSchema } from './generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit_pb.ts'
import {
  RateLimitPerRouteSchema,
  RateLimitSchema,
} from './generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit_pb.ts'

export const RATE_LIMIT_MESSAGES: Registry = createRegistry(
  LocalRateLimitSchema,
  RateLimitSchema,
  RateLimitPerRouteSchema,
)
