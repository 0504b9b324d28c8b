// An endpoint as logs tell of it.

export interface UpstreamHost {
  /** `address:port` */
  readonly key: string
  /** As config names it, or the name that was resolved; empty where there is none. */
  readonly hostname: string
}
