// The productpage service.
import { randomBytes } from 'node:crypto'
import { get } from '../service/http-client.ts'
import { runService } from '../service/http-service.ts'
import { BACKEND_URLS } from './backends.ts'
import { createProductPageRoutes } from './routes.ts'

/** Instances that share a secret know each other's sessions; without one, a session ends with the process. */
const sessionSecret = process.env['SESSION_SECRET'] ?? randomBytes(32).toString('hex')

await runService('productpage', createProductPageRoutes({ sessionSecret, urls: BACKEND_URLS, get }))
