// The reviews service, in the version that SERVICE_VERSION names: v1, v2 or v3.
import { runService } from '../service/http-service.ts'
import { createReviewsRoutes, reviewsOptions } from './routes.ts'

await runService('reviews', createReviewsRoutes(reviewsOptions(process.env)))
