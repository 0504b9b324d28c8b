// The whole corpus.
import type { DifferentialCase } from '../case.ts'
import type { ListenerPlan } from '../plan.ts'
import { ACCESS_LOG_CASES, ACCESS_LOG_LISTENERS } from './access-log.ts'
import { ANSWERS } from './answers.ts'
import { FIELD_REQUESTS } from './fields.ts'
import { FILTER_LISTENERS, FILTERS } from './filters.ts'
import { FRAMES } from './frames/cases.ts'
import { FRAME_LISTENERS } from './frames/listeners.ts'
import { FRAMING } from './framing.ts'
import { HTTP2_LISTENERS, HTTP2_REQUESTS } from './http2-requests.ts'
import { INTERNAL_REDIRECT_LISTENERS, INTERNAL_REDIRECTS } from './internal-redirects.ts'
import { CORPUS_LISTENERS } from './listeners.ts'
import { LOCAL_REPLIES, LOCAL_REPLY_LISTENERS } from './local-replies.ts'
import { METADATA, METADATA_LISTENERS } from './metadata.ts'
import { caseOf } from './raw-request.ts'
import { REQUEST_BUFFER_LISTENERS, REQUEST_BUFFERS } from './request-buffers.ts'
import { REQUEST_LINES } from './request-lines.ts'
import { ROUTE_LISTENER, ROUTES } from './routes.ts'
import { SCHEME_CASES, SCHEME_LISTENERS } from './schemes.ts'
import { SETTINGS } from './settings.ts'
import { WAIT_LISTENERS, WAITS } from './timeouts.ts'
import { TLS_LISTENERS, TLS_REQUESTS } from './tls.ts'

export const CORPUS_PLAN: readonly ListenerPlan[] = [
  ...CORPUS_LISTENERS,
  ...HTTP2_LISTENERS,
  ...FRAME_LISTENERS,
  ...FILTER_LISTENERS,
  ...TLS_LISTENERS,
  ...WAIT_LISTENERS,
  ...METADATA_LISTENERS,
  ...ACCESS_LOG_LISTENERS,
  ...LOCAL_REPLY_LISTENERS,
  ...REQUEST_BUFFER_LISTENERS,
  ...INTERNAL_REDIRECT_LISTENERS,
  ...SCHEME_LISTENERS,
  ROUTE_LISTENER,
]

export const CORPUS: readonly DifferentialCase[] = [
  ...[...REQUEST_LINES, ...FIELD_REQUESTS, ...FRAMING, ...ANSWERS, ...SETTINGS].map(caseOf),
  ...ROUTES,
  ...HTTP2_REQUESTS,
  ...FRAMES,
  ...FILTERS,
  ...TLS_REQUESTS,
  ...WAITS,
  ...METADATA,
  ...ACCESS_LOG_CASES,
  ...LOCAL_REPLIES,
  ...REQUEST_BUFFERS,
  ...INTERNAL_REDIRECTS,
  ...SCHEME_CASES,
]
