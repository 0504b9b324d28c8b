// Calls to other services, by the names their authors gave them. Where HTTP_PROXY is set, as in any environment with a
// proxy, calls go through it: that is all these services have to do with the mesh.
import { Agent, request } from 'node:http'

export interface Answer {
  readonly status: number
  readonly body: string
}

/** A connection per call, so that each call is balanced by itself even where no proxy is. */
const agent = new Agent({ keepAlive: false, proxyEnv: process.env })

const MAX_ANSWER_BYTES = 1024 * 1024

/** Rejects when there is no answer in `timeoutMs`, or none that can be read. */
export function get(url: string, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(url, { agent, headers, signal: AbortSignal.timeout(timeoutMs) }, response => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        if (size > MAX_ANSWER_BYTES) call.destroy(new Error(`${url} answered more than ${MAX_ANSWER_BYTES} bytes`))
      })
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
      )
    })
    call.on('error', reject)
    call.end()
  })
}
