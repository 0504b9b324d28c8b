// Why an upstream stream ended without a response, in Envoy's words (its StreamResetReason), blanks included: they stand
// in the local reply's body; response code details carry them with underscores.
import { RESPONSE_FLAG } from '../response-flag.ts'

export interface ResetReason {
  readonly text: string
  /** As in response code details. */
  readonly details: string
  readonly flag: number
  /** 502 when the upstream broke the protocol, else 503. */
  readonly status: number
  /** Not a byte of the request was taken. */
  readonly isConnectFailure: boolean
}

function reason(text: string, flag: number, status = 503): ResetReason {
  return { text, details: text.replaceAll(' ', '_'), flag, status, isConnectFailure: flag === RESPONSE_FLAG.UF }
}

export const RESET = {
  remoteConnectionFailure: reason('remote connection failure', RESPONSE_FLAG.UF),
  localConnectionFailure: reason('local connection failure', RESPONSE_FLAG.UF),
  connectionTimeout: reason('connection timeout', RESPONSE_FLAG.UF),
  connectionTermination: reason('connection termination', RESPONSE_FLAG.UC),
  overflow: reason('overflow', RESPONSE_FLAG.UO),
  remoteReset: reason('remote reset', RESPONSE_FLAG.UR),
  /** RFC 9113 8.7: not processed at all, so safe to send again. */
  remoteRefused: reason('remote refused stream reset', RESPONSE_FLAG.UR),
  protocolError: reason('protocol error', RESPONSE_FLAG.UPE, 502),
} as const
