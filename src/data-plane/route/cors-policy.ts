// Who may read a route's responses from another origin, compiled.
import type { TextTest } from './string-matcher.ts'

/** Of one level, or of all levels together. What is unset is empty or null. */
export class CorsPolicy {
  readonly origins: readonly TextTest[]
  readonly methods: string
  readonly headers: string
  readonly exposeHeaders: string
  readonly maxAge: string
  readonly credentials: boolean | null
  readonly privateNetwork: boolean | null
  readonly forwardsForeignPreflights: boolean | null
  /** Shares of 1. */
  readonly enabled: number
  readonly shadowEnabled: number

  constructor(fields: CorsPolicy) {
    this.origins = fields.origins
    this.methods = fields.methods
    this.headers = fields.headers
    this.exposeHeaders = fields.exposeHeaders
    this.maxAge = fields.maxAge
    this.credentials = fields.credentials
    this.privateNetwork = fields.privateNetwork
    this.forwardsForeignPreflights = fields.forwardsForeignPreflights
    this.enabled = fields.enabled
    this.shadowEnabled = fields.shadowEnabled
  }
}
