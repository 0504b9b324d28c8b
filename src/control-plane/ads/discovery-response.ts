// Responses as bytes, made once for all streams that are sent the same: version, resources, nonce and all.
import { createHash } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { type ResourceType, TYPE_URL } from '../../xds/type-url.ts'
import type { EncodedResource } from '../snapshot/resource-set.ts'

/** State of the world, or delta. */
export type Protocol = 'sotw' | 'delta'

export interface ResponseContent {
  readonly type: ResourceType
  readonly resources: readonly EncodedResource[]
  /** Delta only: names that are no more. */
  readonly removed: readonly string[]
}

export interface EncodedResponse {
  readonly bytes: Buffer
  readonly version: string
  readonly nonce: string
}

const CONTROL_PLANE_FIELD: Readonly<Record<Protocol, number>> = { sotw: 6, delta: 7 }
const IDENTIFIER = new BinaryWriter().tag(1, WireType.LengthDelimited).string('weft').finish()
const MAX_CACHED_BYTES = 64 * 1024 * 1024

export class ResponseCache {
  readonly #responses = new Map<string, EncodedResponse>()
  #bytes = 0
  #nonce = 0

  /** What was shared belongs to a generation; the next one starts afresh. */
  clear(): void {
    this.#responses.clear()
    this.#bytes = 0
  }

  /**
   * The nonce is shared as the bytes are: it only has to differ from the one that the stream saw last for the type,
   * `lastNonce`, because no more than one response of a type is in flight on a stream.
   */
  encode(protocol: Protocol, content: ResponseContent, lastNonce: string): EncodedResponse {
    const key = keyOf(protocol, content)
    const shared = this.#responses.get(key)
    if (shared && shared.nonce !== lastNonce) return shared
    const nonce = String(++this.#nonce)
    const version = createHash('sha256').update(key).digest('hex').slice(0, 12)
    const response = { bytes: encodeResponse(protocol, content, version, nonce), version, nonce }
    if (this.#bytes + response.bytes.length > MAX_CACHED_BYTES) this.clear()
    this.#responses.set(key, response)
    this.#bytes += response.bytes.length
    return response
  }
}

function keyOf(protocol: Protocol, content: ResponseContent): string {
  let key = `${protocol} ${content.type}`
  for (const { name, version } of content.resources) key += `\n${version} ${name}`
  for (const name of content.removed) key += `\n- ${name}`
  return key
}

/** By hand, because the resources are encoded already: envoy.service.discovery.v3, fields by number. */
function encodeResponse(protocol: Protocol, content: ResponseContent, version: string, nonce: string): Buffer {
  const writer = new BinaryWriter().tag(1, WireType.LengthDelimited).string(version)
  for (const resource of content.resources) {
    writer.tag(2, WireType.LengthDelimited)
    if (protocol === 'sotw') writer.bytes(resource.any)
    else writer.bytes(encodeDeltaResource(resource))
  }
  writer.tag(4, WireType.LengthDelimited).string(TYPE_URL[content.type])
  writer.tag(5, WireType.LengthDelimited).string(nonce)
  if (protocol === 'delta') for (const name of content.removed) writer.tag(6, WireType.LengthDelimited).string(name)
  writer.tag(CONTROL_PLANE_FIELD[protocol], WireType.LengthDelimited).bytes(IDENTIFIER)
  const bytes = writer.finish()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function encodeDeltaResource(resource: EncodedResource): Uint8Array {
  return new BinaryWriter()
    .tag(3, WireType.LengthDelimited)
    .string(resource.name)
    .tag(1, WireType.LengthDelimited)
    .string(resource.version)
    .tag(2, WireType.LengthDelimited)
    .bytes(resource.any)
    .finish()
}
