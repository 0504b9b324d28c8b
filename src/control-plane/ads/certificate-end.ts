// A stream lives no longer than the certificate that opened it.
import { status } from '@grpc/grpc-js'
import type { Clock, Timer } from '../../base/clock.ts'
import type { Caller } from './admission.ts'

/** setTimeout counts no further than 2^31 ms. */
const MAX_TIMER_MS = 2_000_000_000

/** Null: the caller showed none. */
export function endWithCertificate(
  caller: Caller,
  clock: Clock,
  end: (code: number, reason: string) => void,
): Timer | null {
  if (typeof caller === 'string') return null
  const left = caller.notAfter - clock.wallNow()
  return clock.setTimer(Math.min(left, MAX_TIMER_MS), () =>
    end(status.UNAUTHENTICATED, 'the client certificate of this connection has expired'),
  )
}
