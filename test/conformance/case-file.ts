// A conformance case: config, requests, and what Istio's own control plane and Envoy did with them (see README.md).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where the cases lie. */
export const CASES = join(import.meta.dirname, 'cases')

/** How an upstream behaves; a bare name answers 200 with what it saw. */
export interface UpstreamBehaviour {
  readonly name: string
  readonly status?: number
  readonly delayMs?: number
  readonly headers?: Readonly<Record<string, string>>
  /** That many requests are answered 503 before the first success. */
  readonly failFirst?: number
  /** No HTTP: writes its name and closes. */
  readonly tcp?: boolean
}

export interface CasePort {
  readonly number: number
  /** Where the application listens: one of the case's upstreams. */
  readonly applicationPort: number
  /** As a port's name begins; `http` unless set, `any` for undeclared. */
  readonly protocol?: string
}

export interface CaseProxy {
  readonly ip: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
  /** A gateway. */
  readonly router?: boolean
  readonly serviceAccount?: string
  /** As Envoy's node has it. */
  readonly locality?: { readonly region: string; readonly zone?: string; readonly sub_zone?: string }
  /** Ports of the workload itself: Weft makes inbound listeners of them; the reference needs a `Sidecar` for each. */
  readonly ports?: readonly CasePort[]
}

/** What the upstream saw of the request. */
export interface SeenUpstream {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Outcome {
  /** Instead of a status: the connection ended without a response. */
  readonly error?: string
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** The response's body where no upstream wrote it. */
  readonly body?: string
  readonly upstream?: SeenUpstream
  /** For a repeated request: `200 reviews-v1` and how often. */
  readonly destinations?: Readonly<Record<string, number>>
  readonly flags?: string
  readonly details?: string
  readonly cluster?: string
  readonly route?: string
  readonly endpoint?: string
}

export interface CaseRequest {
  /** Name of the proxy; the case's first one by default. */
  readonly proxy?: string
  /** The authority becomes the Host header, the port names the listener on 127.0.0.1. The path is sent as it stands. */
  readonly url: string
  readonly method?: string
  /** `host` overrides the Host header. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
  readonly repeat?: number
  /**
   * Instead of a request a ClientHello for this name is sent; what comes back until the connection ends is the body, and
   * nothing the outcome where the proxy closes it.
   */
  readonly serverName?: string
  /** What that ClientHello offers, if anything. */
  readonly alpn?: readonly string[]
  /** `IP:PORT` of a listener that is not at 127.0.0.1. */
  readonly connectTo?: string
  /** Sent before the request: a PROXY header. */
  readonly preamble?: string
  outcome?: Outcome
}

export interface CaseFile {
  readonly about: string
  /** Lines of YAML. */
  readonly config: readonly string[]
  /** Lines of YAML for the reference alone: what it needs to do without Kubernetes. */
  readonly referenceConfig?: readonly string[]
  /** Lines of MeshConfig YAML. */
  readonly mesh?: readonly string[]
  readonly upstreams: Readonly<Record<string, string | UpstreamBehaviour>>
  readonly proxies: Readonly<Record<string, CaseProxy>>
  readonly requests: readonly CaseRequest[]
  versions?: { readonly istio: string; readonly envoy: string }
}

/** Names of all cases, sorted. */
export function caseNames(): readonly string[] {
  return readdirSync(CASES)
    .filter(file => file.endsWith('.json'))
    .map(file => file.slice(0, -'.json'.length))
    .sort()
}

export function readCase(name: string): CaseFile {
  return JSON.parse(readFileSync(join(CASES, `${name}.json`), 'utf8')) as CaseFile
}

/** `request 3: PUT http://reviews:7080/a`, counted from 1. */
export function describeRequest(request: CaseRequest, index: number): string {
  return `request ${index + 1}: ${request.method ?? 'GET'} ${request.url}`
}
