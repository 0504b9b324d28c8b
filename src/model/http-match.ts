// VirtualService http[].match[]: all of it must hold.
import type { SourcePosition } from '../base/problem.ts'
import type { StringMatch } from './string-match.ts'

export interface HttpMatch {
  readonly name: string
  readonly uri?: StringMatch
  readonly scheme?: StringMatch
  readonly method?: StringMatch
  readonly authority?: StringMatch
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, StringMatch>>
  readonly withoutHeaders: Readonly<Record<string, StringMatch>>
  readonly queryParams: Readonly<Record<string, StringMatch>>
  /** Exact and prefix URI matches only. */
  readonly ignoreUriCase: boolean
  /** Port of the listener (the service's port); absent: any. */
  readonly port?: number
  /** These three are judged by the control plane against the proxy, not per request. */
  readonly sourceLabels: Readonly<Record<string, string>>
  readonly sourceNamespace: string
  /** Empty: those of the VirtualService. */
  readonly gateways: readonly string[]
  /** The matching requests are counted under this name, too. */
  readonly statPrefix?: string
  readonly position: SourcePosition
}
