// A whole mesh and its requests from one seed, in the form of a case.
import fc from 'fast-check'
import type { CaseFile, CaseProxy, CaseRequest } from '../case-file.ts'
import { destinationRules, numbered } from './destination-rule.ts'
import { type ConfigDocument, configLines } from './document.ts'
import { GATEWAY_PROXIES, gateways } from './gateway.ts'
import { REPEATS, requestFor } from './request.ts'
import { services } from './service.ts'
import { SIDECAR_PROXIES, sidecars } from './sidecar.ts'
import { delegates, type Surroundings, virtualService } from './virtual-service.ts'
import { draw } from './words.ts'

/** In every so many meshes chance decides, and shares are compared. */
const SHARES_EVERY = 8
const DELEGATES = 6
const PROXIES: Readonly<Record<string, CaseProxy>> = { ...SIDECAR_PROXIES, ...GATEWAY_PROXIES }
/** In lines. */
const meshConfig = fc
  .tuple(
    fc.constantFrom('REGISTRY_ONLY', 'ALLOW_ANY').map(mode => `outboundTrafficPolicy: {mode: ${mode}}`),
    fc
      .constantFrom('', '', 'BASE', 'NONE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES')
      .map(way => (way === '' ? '' : `pathNormalization: {normalization: ${way}}`)),
    fc.constantFrom('', '', '', 'defaultHttpRetryPolicy: {attempts: 1, retryOn: 5xx}'),
  )
  .map(lines => lines.filter(line => line !== ''))

export interface Size {
  readonly virtualServices: number
  readonly requestsEach: number
}

export interface Batch {
  readonly seed: number
  readonly documents: readonly ConfigDocument[]
  readonly file: CaseFile
}

/** The same for the same seed. */
export function generateBatch(seed: number, { virtualServices, requestsEach }: Size): Batch {
  const shares = seed % SHARES_EVERY === 0
  const known = draw(services, seed, 1)[0]!
  const entrances = draw(gateways, seed, 1)[0]!
  const none: Surroundings = { services: known, gateways: entrances, delegates: [], shares }
  const others = draw(delegates(none, DELEGATES), seed, 1)[0]!
  const surroundings = { ...none, delegates: others }
  const roots = draw(virtualService(surroundings), seed, virtualServices - DELEGATES).map(
    (each, index): ConfigDocument => ({ ...each, name: numbered('v', index) }),
  )
  const documents = [
    ...known.flatMap(service => service.documents),
    ...draw(destinationRules(known, shares), seed, 1)[0]!,
    ...entrances,
    ...draw(sidecars(known), seed, 1)[0]!,
    ...others,
    ...roots,
  ]
  const count = shares ? Math.ceil(requestsEach / REPEATS) : requestsEach
  const requests = roots.flatMap((service, index) =>
    draw(requestFor(service, surroundings), seed * 1000 + index, count),
  )
  const mesh = draw(meshConfig, seed, 1)[0]!
  const upstreams = Object.fromEntries(
    known
      .flatMap(service => Object.entries(service.upstreams))
      .map(([address, upstream]) => [address, shares ? { ...upstream, name: address } : upstream]),
  )
  const about = `Generated from seed ${seed}.`
  return { seed, documents, file: caseOf(about, documents, mesh, upstreams, requests) }
}

export function caseOf(
  about: string,
  documents: readonly ConfigDocument[],
  mesh: CaseFile['mesh'],
  upstreams: CaseFile['upstreams'],
  requests: readonly CaseRequest[],
): CaseFile {
  const used = new Set(requests.map(({ proxy }) => proxy))
  const proxies = Object.fromEntries(Object.entries(PROXIES).filter(([name]) => used.has(name)))
  return { about, config: configLines(documents), ...(mesh ? { mesh } : {}), upstreams, proxies, requests }
}
