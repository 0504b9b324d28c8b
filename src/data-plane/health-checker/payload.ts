// HealthCheck.Payload: bytes to send, or to be found in what comes back.
import type { HealthCheck_Payload } from '../../xds/generated/envoy/config/core/v3/health_check_pb.ts'
import type { ResourceCheck } from '../../xds/resource-check.ts'

const HEX = /^(?:[0-9A-Fa-f]{2})+$/

/** `text` is in hexadecimal digits. */
export function readPayload(message: HealthCheck_Payload, path: string, check: ResourceCheck): Buffer {
  const { payload } = message
  switch (payload.case) {
    case 'binary':
      return Buffer.from(payload.value)
    case 'text':
      if (!HEX.test(payload.value)) check.error(`${path}.text`, 'must be hexadecimal digits, two for each byte')
      return Buffer.from(payload.value, 'hex')
    default:
      check.error(path, 'needs text or binary')
      return Buffer.alloc(0)
  }
}

/** Each part occurs, one behind the other; what is between them may be anything (Envoy). */
export function holds(bytes: Buffer, parts: readonly Buffer[]): boolean {
  let from = 0
  for (const part of parts) {
    const at = bytes.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return true
}
