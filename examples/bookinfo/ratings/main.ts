// The ratings service.
import { runService } from '../service/http-service.ts'
import { createRatingsRoutes } from './routes.ts'

await runService('ratings', createRatingsRoutes())
