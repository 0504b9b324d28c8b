// The details service.
import { runService } from '../service/http-service.ts'
import { DETAILS_ROUTES } from './routes.ts'

await runService('details', DETAILS_ROUTES)
