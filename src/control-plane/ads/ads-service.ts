// The two streaming calls of ADS on grpc-js: reads requests, holds them to their bounds, and speaks for a proxy's stream.
import { type ServerDuplexStream, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Clock } from '../../base/clock.ts'
import type {
  DeltaDiscoveryRequest,
  DiscoveryRequest,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import { type ResourceType, resourceTypeOf } from '../../xds/type-url.ts'
import type { AuthenticatedCall } from '../grpc/peer-identity.ts'
import type { Caller } from './admission.ts'
import type { AdsServer } from './ads-server.ts'
import { endWithCertificate } from './certificate-end.ts'
import type { ConnectedProxy } from './connected-proxy.ts'
import type { Protocol } from './discovery-response.ts'
import { readNode } from './node.ts'
import { MAX_NAME_LENGTH, MAX_NAMES } from './subscription.ts'

type DiscoveryCall<Request> = ServerDuplexStream<Request, Buffer>

/** How the requests of one protocol are taken; false: they ask for too much. */
type Reader<Request> = (proxy: ConnectedProxy, type: ResourceType, request: Request) => boolean

const MAX_ERROR_LENGTH = 4096

/** `identify` says who is calling, by the means of the port that the service is offered on. */
export function adsService(
  server: AdsServer,
  clock: Clock,
  identify: (call: AuthenticatedCall) => Caller,
): UntypedServiceImplementation {
  return {
    StreamAggregatedResources: (call: DiscoveryCall<DiscoveryRequest>) =>
      serve({ server, clock, protocol: 'sotw', call, caller: identify(call), read: readSotw }),
    DeltaAggregatedResources: (call: DiscoveryCall<DeltaDiscoveryRequest>) =>
      serve({ server, clock, protocol: 'delta', call, caller: identify(call), read: readDelta }),
  }
}

interface Serving<Request> {
  readonly server: AdsServer
  readonly clock: Clock
  readonly protocol: Protocol
  readonly call: DiscoveryCall<Request>
  readonly caller: Caller
  readonly read: Reader<Request>
}

function serve<Request extends DiscoveryRequest | DeltaDiscoveryRequest>(serving: Serving<Request>): void {
  const { server, call } = serving
  let proxy: ConnectedProxy | null = null
  let ended = false
  const end = (code: number, details: string): void => {
    if (ended) return
    ended = true
    call.emit('error', { code, details })
  }
  const leave = (): void => {
    ended = true
    expiry?.cancel()
    if (proxy) server.disconnect(proxy)
    proxy = null
  }
  const expiry = endWithCertificate(serving.caller, serving.clock, end)
  call.on('data', (request: Request) => {
    if (ended) return
    proxy ??= connect(serving, request, end)
    const type = resourceTypeOf(request.typeUrl)
    // Types that are not served get no answer, as with Istio: the client goes on without them.
    if (proxy === null || type === undefined) return
    if (serving.read(proxy, type, request)) proxy.stream.pump()
    else end(status.RESOURCE_EXHAUSTED, `a stream may name ${MAX_NAMES} resources of a type`)
  })
  call.on('drain', () => proxy?.stream.drained())
  call.on('end', () => {
    leave()
    call.end()
  })
  call.on('error', leave)
  call.on('cancelled', leave)
  call.on('close', leave)
}

function connect<Request extends DiscoveryRequest | DeltaDiscoveryRequest>(
  { server, protocol, call, caller }: Serving<Request>,
  request: Request,
  end: (code: number, reason: string) => void,
): ConnectedProxy | null {
  const claimed = readNode(request.node)
  if (claimed === null) {
    end(
      status.INVALID_ARGUMENT,
      'the first request must carry a node id of the form sidecar~ADDRESS~NAME.NAMESPACE~DOMAIN',
    )
    return null
  }
  return server.connect(claimed, caller, protocol, { write: bytes => call.write(bytes), end })
}

function readSotw(proxy: ConnectedProxy, type: ResourceType, request: DiscoveryRequest): boolean {
  const { stream } = proxy
  if (!withinBounds(request.resourceNames)) return false
  const { subscription, isNew } = stream.subscription(type)
  // Written before the last response had arrived: another request follows. On a new stream a client may still send the
  // nonce of its last one.
  if (!isNew && !stream.isCurrent(type, request.responseNonce)) return true
  stream.answer(type, { nonce: request.responseNonce, error: errorOf(request) })
  subscription.replaceNames(request.resourceNames)
  return true
}

function readDelta(proxy: ConnectedProxy, type: ResourceType, request: DeltaDiscoveryRequest): boolean {
  const { stream } = proxy
  const { resourceNamesSubscribe, resourceNamesUnsubscribe, initialResourceVersions } = request
  if (!withinBounds(resourceNamesSubscribe) || !withinBounds(resourceNamesUnsubscribe)) return false
  if (!withinBounds(Object.keys(initialResourceVersions))) return false
  const { subscription, isNew } = stream.subscription(type)
  stream.answer(type, { nonce: request.responseNonce, error: errorOf(request) })
  if (isNew) subscription.begin(resourceNamesSubscribe, initialResourceVersions)
  if (resourceNamesSubscribe.length + resourceNamesUnsubscribe.length > 0 && !isNew)
    subscription.adjust(resourceNamesSubscribe, resourceNamesUnsubscribe)
  return subscription.size <= MAX_NAMES
}

function withinBounds(names: readonly string[]): boolean {
  return names.length <= MAX_NAMES && names.every(name => name.length <= MAX_NAME_LENGTH)
}

function errorOf(request: DiscoveryRequest | DeltaDiscoveryRequest): string | null {
  return request.errorDetail === undefined ? null : request.errorDetail.message.slice(0, MAX_ERROR_LENGTH)
}
