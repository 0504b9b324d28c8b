// A client of a running control plane, for tests: joins with a token, then speaks ADS with the certificate it got.

import { create, type JsonObject } from '@bufbuild/protobuf'
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import 'reflect-metadata'
import { PemConverter, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { AggregatedDiscoveryService } from '../../xds/generated/envoy/service/discovery/v3/ads_pb.ts'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../../xds/generated/envoy/service/discovery/v3/discovery_pb.ts'
import {
  IstioCertificateRequestSchema,
  type IstioCertificateResponse,
  IstioCertificateService,
} from '../../xds/generated/istio/v1/auth/ca_pb.ts'
import { grpcServiceDefinition } from '../../xds/grpc-service-definition.ts'
import { type ResourceType, TYPE_URL } from '../../xds/type-url.ts'

export interface Identity {
  readonly key: string
  readonly chain: string
}

const ADS = grpcServiceDefinition(AggregatedDiscoveryService)
const CA = grpcServiceDefinition(IstioCertificateService)
const SERVER_NAME = { 'grpc.ssl_target_name_override': 'istiod.istio-system.svc' }

/** A new key, and its signing request for a SPIFFE id. */
export async function makeRequest(identity: string): Promise<{ key: string; csr: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new SubjectAlternativeNameExtension([{ type: 'url', value: identity }])],
  })
  const key = PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { key, csr: request.toString('pem') }
}

/** The CreateCertificate call; `proof` is a token, or the certificate to be renewed. */
export async function createCertificate(
  address: string,
  trustBundle: string,
  csr: string,
  proof: { readonly token: string } | Identity,
): Promise<string> {
  const metadata = new Metadata()
  if ('token' in proof) metadata.set('authorization', `Bearer ${proof.token}`)
  const client = clientOf(address, trustBundle, 'token' in proof ? null : proof)
  const method = CA['CreateCertificate']!
  try {
    const response = await new Promise<IstioCertificateResponse>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize as (bytes: Buffer) => IstioCertificateResponse,
        create(IstioCertificateRequestSchema, { csr }),
        metadata,
        (error, value) => (error ? reject(error) : resolve(value!)),
      )
    })
    return response.certChain.join('')
  } finally {
    client.close()
  }
}

function clientOf(address: string, trustBundle: string, identity: Identity | null): Client {
  const roots = Buffer.from(trustBundle)
  const channel = identity
    ? credentials.createSsl(roots, Buffer.from(identity.key), Buffer.from(identity.chain))
    : credentials.createSsl(roots)
  return new Client(address, channel, SERVER_NAME)
}

export interface NodeClaim {
  readonly name: string
  readonly namespace: string
  readonly kind?: 'sidecar' | 'router'
  readonly metadata?: JsonObject
}

type Response = Pick<DiscoveryResponse, 'typeUrl' | 'nonce' | 'versionInfo'> &
  Pick<DeltaDiscoveryResponse, 'removedResources'> & { readonly resources: readonly unknown[] }

/** Fields of either protocol's request. */
export type RequestFields = Partial<
  Pick<DiscoveryRequest, 'resourceNames' | 'responseNonce' | 'versionInfo' | 'errorDetail'> &
    Pick<DeltaDiscoveryRequest, 'resourceNamesSubscribe' | 'resourceNamesUnsubscribe' | 'initialResourceVersions'>
>

/** One ADS stream of either protocol, whose responses are read one by one. */
export class AdsClient {
  readonly #client: Client
  readonly #call: ClientDuplexStream<unknown, Response>
  readonly #node: NodeClaim
  readonly #protocol: 'sotw' | 'delta'
  readonly #responses: Response[] = []
  readonly #waiting: ((response: Response) => void)[] = []
  #first = true
  /** How the stream ended. */
  readonly ended: Promise<ServiceError>

  constructor(address: string, trustBundle: string, identity: Identity, node: NodeClaim, protocol: 'sotw' | 'delta') {
    this.#client = clientOf(address, trustBundle, identity)
    this.#node = node
    this.#protocol = protocol
    const method = ADS[protocol === 'sotw' ? 'StreamAggregatedResources' : 'DeltaAggregatedResources']!
    this.#call = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (bytes: Buffer) => Response,
      new Metadata(),
    )
    this.#call.on('data', (response: Response) => {
      const waiting = this.#waiting.shift()
      if (waiting) waiting(response)
      else this.#responses.push(response)
    })
    this.ended = new Promise(resolve => this.#call.on('error', error => resolve(error as ServiceError)))
    this.ended.catch(() => {})
  }

  request(type: ResourceType, fields: RequestFields = {}): void {
    const { name, namespace, kind = 'sidecar', metadata = {} } = this.#node
    const id = `${kind}~127.0.0.1~${name}.${namespace}~${namespace}.svc.cluster.local`
    const node = this.#first ? { node: { id, metadata, userAgentName: 'test' } } : {}
    this.#first = false
    const common = { ...node, typeUrl: TYPE_URL[type], ...fields } as object
    this.#call.write(
      this.#protocol === 'sotw' ? create(DiscoveryRequestSchema, common) : create(DeltaDiscoveryRequestSchema, common),
    )
  }

  next(): Promise<Response> {
    const response = this.#responses.shift()
    if (response) return Promise.resolve(response)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** The next response of a type; those of others on the way are acknowledged. */
  async nextOf(type: ResourceType): Promise<Response> {
    for (;;) {
      const response = await this.next()
      if (response.typeUrl === TYPE_URL[type]) return response
      this.acknowledge(response)
    }
  }

  acknowledge(response: Response, error?: string): void {
    const type = (Object.keys(TYPE_URL) as ResourceType[]).find(one => TYPE_URL[one] === response.typeUrl)!
    const detail = error === undefined ? {} : { errorDetail: { code: 3, message: error, details: [] } }
    this.request(type, { responseNonce: response.nonce, versionInfo: response.versionInfo, ...detail } as RequestFields)
  }

  close(): void {
    this.#call.cancel()
    this.#client.close()
  }
}
