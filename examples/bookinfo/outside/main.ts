// A service outside the mesh, for the egress exercise: started by hand, known to nobody, no sidecar beside it.
import { runService } from '../service/http-service.ts'
import { OUTSIDE_ROUTES } from './routes.ts'

await runService('outside', OUTSIDE_ROUTES, 9090)
