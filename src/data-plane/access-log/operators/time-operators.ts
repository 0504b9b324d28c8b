// Points in time, by strftime's conversions.
import type { CertificateDetails } from '../../../transport/tls/certificate-details.ts'
import type { StreamInfo } from '../../stream-info.ts'
import { compileStartTime, DEFAULT_LOCAL_TIME, DEFAULT_START_TIME } from '../start-time.ts'
import type { OperatorFactory } from './operator.ts'
import { downstreamPeer, upstreamPeer } from './tls-operators.ts'

/** Epoch milliseconds; null, or NaN where a peer's certificate says nonsense: there is no such time. */
type Time = (info: StreamInfo) => number | null

const started: Time = info => info.startTime
/** When the line is written: nothing else is when the stream's duration is known. */
const emitted: Time = info => info.startTime + info.duration

export const TIME_OPERATORS: Readonly<Record<string, OperatorFactory>> = {
  START_TIME: formatted(started, false),
  START_TIME_LOCAL: formatted(started, true),
  EMIT_TIME: formatted(emitted, false),
  EMIT_TIME_LOCAL: formatted(emitted, true),
  DOWNSTREAM_PEER_CERT_V_START: formatted(ofCertificate(downstreamPeer, 'validFrom'), false),
  DOWNSTREAM_PEER_CERT_V_END: formatted(ofCertificate(downstreamPeer, 'validTo'), false),
  UPSTREAM_PEER_CERT_V_START: formatted(ofCertificate(upstreamPeer, 'validFrom'), false),
  UPSTREAM_PEER_CERT_V_END: formatted(ofCertificate(upstreamPeer, 'validTo'), false),
}

function formatted(time: Time, isLocal: boolean): OperatorFactory {
  return (argument, name) => {
    const unsaid = isLocal ? DEFAULT_LOCAL_TIME : DEFAULT_START_TIME
    const format = compileStartTime(argument === null || argument === '' ? unsaid : argument, isLocal)
    if ('fault' in format) return { fault: `%${name}% does not know ${format.fault}` }
    return {
      run(info) {
        const at = time(info)
        return at === null || Number.isNaN(at) ? null : format.format(at)
      },
    }
  }
}

function ofCertificate(
  of: (info: StreamInfo) => CertificateDetails | null | undefined,
  bound: 'validFrom' | 'validTo',
): Time {
  return info => of(info)?.[bound] ?? null
}
