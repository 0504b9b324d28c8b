// A client of HTTP/2 with prior knowledge that repeats what a server has refused unseen, and nothing else.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import type { Answer, LoadClient } from './steady-load.ts'

/** Of requests that Node has not sent, because their session was ending. */
const UNSENT = new Set(['ERR_HTTP2_INVALID_SESSION', 'ERR_HTTP2_GOAWAY_SESSION'])

export class Http2LoadClient implements LoadClient {
  /** Sessions that ended with a GOAWAY, as a drain has it. */
  goAways = 0
  #session: ClientHttp2Session | null = null
  /** Of the GOAWAY of a session. */
  readonly #lastStreams = new WeakMap<ClientHttp2Session, number>()

  async ask(url: string): Promise<Answer> {
    for (;;) {
      const answer = await this.#try(new URL(url))
      if (answer !== null) return answer
    }
  }

  close(): void {
    this.#session?.destroy()
  }

  /** Null: nobody has looked at the request, it may be sent again, whatever it asks for (RFC 9113 8.7). */
  #try(url: URL): Promise<Answer | null> {
    const session = this.#sessionTo(url)
    return new Promise((resolve, reject) => {
      let stream: ClientHttp2Stream
      try {
        stream = session.request({ ':path': url.pathname })
      } catch (error) {
        if (UNSENT.has((error as NodeJS.ErrnoException).code ?? '')) return resolve(null)
        throw error
      }
      let status = 0
      let headers: Answer['headers'] = {}
      let body = ''
      let failure: Error | null = null
      stream.on('response', head => {
        status = head[':status'] ?? 0
        headers = head as Answer['headers']
      })
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      stream.on('error', error => {
        failure = error
      })
      stream.on('close', () => {
        if (this.#isUnseen(session, stream, failure)) resolve(null)
        else if (failure !== null) reject(failure)
        else if (status === 0 || stream.rstCode !== 0) reject(new Error(`no answer, reset ${stream.rstCode}`))
        else resolve({ status, headers, body })
      })
    })
  }

  #isUnseen(session: ClientHttp2Session, stream: ClientHttp2Stream, failure: NodeJS.ErrnoException | null): boolean {
    if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return true
    if (stream.id === undefined) return failure !== null && UNSENT.has(failure.code ?? '')
    // RFC 9113 6.8: what is above the last stream that a GOAWAY names was not and will not be looked at.
    return stream.id > (this.#lastStreams.get(session) ?? Number.POSITIVE_INFINITY)
  }

  #sessionTo(url: URL): ClientHttp2Session {
    const current = this.#session
    if (current !== null && !current.closed && !current.destroyed) return current
    const session = connect(url)
    session.on('error', () => {})
    session.on('goaway', (_code, lastStream) => {
      // A drain may announce itself before it names the last stream (RFC 9113 6.8).
      if (!this.#lastStreams.has(session)) this.goAways += 1
      this.#lastStreams.set(session, lastStream)
      if (this.#session === session) this.#session = null
    })
    this.#session = session
    return session
  }
}
