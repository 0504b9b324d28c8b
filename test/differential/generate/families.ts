// What is generated besides route tables and their requests: each family with listeners of its own.
import type { DifferentialCase } from '../case.ts'
import type { ListenerPlan } from '../plan.ts'
import { EARLY_LISTENERS, earlyCases } from './early-answers.ts'
import { filterCases, filterListeners } from './filters.ts'
import { GRPC_WEB_LISTENERS, grpcWebCases } from './grpc-web.ts'
import { hashingCases, hashingListeners } from './hashing.ts'
import { ODD_ANSWER_LISTENERS, oddAnswerCases } from './odd-answers.ts'
import { ODD_REQUEST_LISTENERS, oddRequestCases } from './odd-requests.ts'
import { RETRIED_BODY_LISTENERS, retriedBodyCases } from './retried-bodies.ts'
import { TCP_LISTENERS, tcpCases } from './tcp.ts'
import { TUNNEL_LISTENERS, tunnelCases } from './tunnels.ts'
import { upstreamTlsCases, upstreamTlsListeners } from './upstream-tls.ts'

/** Of one seed. Connections whose both ends are played take their time: of those there are few. */
const TCP_EACH = 1
const TUNNELS_EACH = 1
const TLS_CLUSTERS = 30
const GRPC_WEB_REQUESTS = 30
const ODD_REQUESTS = 60
const ODD_ANSWERS = 50
const EARLY_ANSWERS = 30
const RETRIED_BODIES = 20
const FILTER_TABLES = 4
const REQUESTS_THROUGH_EACH = 10
const HASHED_CLUSTERS = 8
const REQUESTS_HASHED = 8

export function familyListeners(seed: number): readonly ListenerPlan[] {
  return [
    ...TCP_LISTENERS,
    ...TUNNEL_LISTENERS,
    ...upstreamTlsListeners(seed, TLS_CLUSTERS),
    ...GRPC_WEB_LISTENERS,
    ...ODD_REQUEST_LISTENERS,
    ...ODD_ANSWER_LISTENERS,
    ...EARLY_LISTENERS,
    ...RETRIED_BODY_LISTENERS,
    ...filterListeners(seed, FILTER_TABLES),
    ...hashingListeners(seed, HASHED_CLUSTERS),
  ]
}

export function familyCases(seed: number): readonly DifferentialCase[] {
  return [
    ...tcpCases(seed, TCP_EACH),
    ...tunnelCases(seed, TUNNELS_EACH),
    ...upstreamTlsCases(seed, TLS_CLUSTERS),
    ...grpcWebCases(seed, GRPC_WEB_REQUESTS),
    ...oddRequestCases(seed, ODD_REQUESTS),
    ...oddAnswerCases(seed, ODD_ANSWERS),
    ...earlyCases(seed, EARLY_ANSWERS),
    ...retriedBodyCases(seed, RETRIED_BODIES),
    ...filterCases(seed, FILTER_TABLES, REQUESTS_THROUGH_EACH),
    ...hashingCases(seed, HASHED_CLUSTERS, REQUESTS_HASHED),
  ]
}
