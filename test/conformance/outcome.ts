// From what a client, an upstream and an access log say of a request to the outcome that a case keeps: the same code for
// the recording and for the replay.
import type { Outcome } from './case-file.ts'
import { withoutOwnAddresses } from './own-address.ts'

/** What came of one request, or of its last repetition, before it is put into words; the runner's output has this form. */
export interface RawResult {
  readonly outcome: {
    readonly error?: string
    readonly status?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
  }
  readonly destinations?: Readonly<Record<string, number>>
  readonly log: {
    readonly flags: string
    readonly details: string | null
    readonly cluster?: string | null
    readonly route: string | null
    readonly host: string | null
  } | null
}

export function outcomeOf(recorded: RawResult): Outcome {
  const { outcome, destinations, log } = recorded
  const seen = outcome.body as {
    upstream?: string
    method: string
    path: string
    headers: Record<string, string>
    body: string
  }
  const fromUpstream = typeof seen === 'object' && seen !== null && seen.upstream !== undefined
  const several = destinations !== undefined && Object.keys(destinations).length > 1
  return {
    ...(outcome.error === undefined ? {} : { error: outcome.error }),
    ...(outcome.status === undefined || several ? {} : { status: outcome.status }),
    ...(outcome.headers === undefined || several ? {} : { headers: withoutOwnAddresses(outcome.headers) }),
    ...(fromUpstream || several ? {} : ownBody(outcome.body)),
    ...(fromUpstream && !several
      ? {
          upstream: {
            name: seen.upstream ?? '',
            method: seen.method,
            path: seen.path,
            headers: withoutOwnAddresses(seen.headers),
            ...(seen.body === '' ? {} : { body: seen.body }),
          },
        }
      : {}),
    ...(destinations === undefined ? {} : { destinations }),
    ...(log === null || several ? {} : logOf(log)),
  }
}

/** The body of an answer that no upstream gave: text, or JSON that the proxy was told to say. */
function ownBody(body: unknown): Pick<Outcome, 'body'> {
  if (body === undefined || body === '') return {}
  return { body: typeof body === 'string' ? body : JSON.stringify(body) }
}

function logOf(
  log: NonNullable<RawResult['log']>,
): Pick<Outcome, 'flags' | 'details' | 'cluster' | 'route' | 'endpoint'> {
  return {
    flags: log.flags,
    ...(log.details ? { details: log.details } : {}),
    ...(log.cluster ? { cluster: log.cluster } : {}),
    ...(log.route ? { route: log.route } : {}),
    ...(log.host ? { endpoint: log.host } : {}),
  }
}
