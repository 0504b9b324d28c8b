// One request by Node's own clients before the load: what answers wrongly is not measured.
import { request as requestHttp } from 'node:http'
import { connect } from 'node:http2'
import { request as requestHttps } from 'node:https'
import { grpcMessage, KILOBYTE } from '../contestants/upstream.ts'
import { AUTHORITY, type LoadTarget, urlOf } from './load-result.ts'

const TIMEOUT_MS = 10_000

/** Rejects unless the answer is 200 and so long. */
export async function probeHttp1(target: LoadTarget, bodyLength: number): Promise<void> {
  const request = target.scheme === 'http' ? requestHttp : requestHttps
  const options = {
    headers: { host: AUTHORITY },
    agent: false,
    rejectUnauthorized: false,
    timeout: TIMEOUT_MS,
  } as const
  await new Promise<void>((done, fail) => {
    const sent = request(urlOf(target), options, response => {
      let length = 0
      response.on('data', chunk => (length += chunk.length))
      response.on('error', fail)
      response.on('end', () => {
        if (response.statusCode === 200 && length === bodyLength) return done()
        fail(new Error(`answers ${response.statusCode} with ${length} bytes, not 200 with ${bodyLength}`))
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`does not answer in ${TIMEOUT_MS / 1000} s`)))
    sent.on('error', fail)
    sent.end()
  })
}

/** Rejects unless the answer is 200 and so long; for gRPC, with one message and status 0 in its trailers. */
export async function probeHttp2(target: LoadTarget, kind: 'plain' | 'grpc'): Promise<void> {
  const session = connect(urlOf({ ...target, path: '' }), { rejectUnauthorized: false })
  try {
    await new Promise<void>((done, fail) => {
      session.setTimeout(TIMEOUT_MS, () => fail(new Error(`does not answer in ${TIMEOUT_MS / 1000} s`)))
      session.on('error', fail)
      const isGrpc = kind === 'grpc'
      const common = { ':path': target.path, ':authority': AUTHORITY }
      const stream = session.request(
        isGrpc ? { ...common, ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' } : common,
      )
      const seen = { status: 0, length: 0, grpcStatus: 'none' }
      stream.on('response', headers => (seen.status = headers[':status'] ?? 0))
      stream.on('trailers', trailers => (seen.grpcStatus = String(trailers['grpc-status'])))
      stream.on('data', chunk => (seen.length += chunk.length))
      stream.on('error', fail)
      stream.on('close', () => {
        const wanted = isGrpc
          ? { status: 200, length: KILOBYTE + 5, grpcStatus: '0' }
          : { status: 200, length: KILOBYTE }
        const differs = Object.entries(wanted).find(([name, value]) => seen[name as keyof typeof seen] !== value)
        if (differs === undefined) done()
        else fail(new Error(`answers with ${differs[0]} ${seen[differs[0] as keyof typeof seen]}, not ${differs[1]}`))
      })
      stream.end(isGrpc ? grpcMessage(KILOBYTE) : undefined)
    })
  } finally {
    session.destroy()
  }
}
