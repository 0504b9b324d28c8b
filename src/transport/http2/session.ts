// One HTTP/2 connection, either side (RFC 9113). Bytes come by `receive` and leave by the socket; the owner attaches the
// socket's listeners and opens write batches.
//
//   receive ─> FrameReader ─> InboundFrames ─> Inbound ─────┐
//              frames         their form       their meaning│
//                                                      Connection ── handlers
//   socket <── FrameWriter <── Outbound <───────────────────┘
//              one write       heads, windows, turns
import type { Socket } from 'node:net'
import { Connection } from './connection.ts'
import type { Http2SessionHandler } from './session-handler.ts'
import type { Http2Settings } from './session-options.ts'
import type { Http2Stream } from './stream.ts'
import type { Http2StreamHandler } from './stream-handler.ts'

export class Http2Session {
  readonly #connection: Connection

  constructor(side: 'server' | 'client', socket: Socket, handler: Http2SessionHandler, settings: Http2Settings) {
    this.#connection = new Connection(side, socket, handler, settings)
  }

  /** Sends preface and settings. */
  start(): void {
    this.#connection.start()
  }

  /** Bytes from the socket; a server's begin with the client's preface. */
  receive(chunk: Buffer): void {
    this.#connection.receive(chunk)
  }

  /** On the socket's `drain`. */
  drained(): void {
    this.#connection.drained()
  }

  flush(): void {
    this.#connection.flush()
  }

  /** The socket is closed: every stream is told so. */
  end(): void {
    this.#connection.end()
  }

  /** Client only, while `canOpenStream`. The stream counts from here on, and has an id once its request is sent. */
  openStream(handler: Http2StreamHandler): Http2Stream {
    return this.#connection.openStream(handler)
  }

  get canOpenStream(): boolean {
    return this.#connection.canOpenStream
  }

  get activeStreams(): number {
    return this.#connection.activeStreams
  }

  /** Client: the server takes an extended CONNECT (RFC 8441 3). */
  get peerAllowsConnect(): boolean {
    return this.#connection.peerAllowsConnect
  }

  /** The stream whose header block has begun and not ended; 0: none. Nothing else can arrive meanwhile. */
  get unfinishedStream(): number {
    return this.#connection.unfinishedStream
  }

  /** Not final: streams that are on their way here are still served (RFC 9113 6.8); the final one follows. */
  goAway(code: number, final: boolean): void {
    this.#connection.goAway(code, final)
  }

  /** GOAWAY, and `onSessionError`: the peer asks for more than its owner bears. */
  fail(code: number, details: string): void {
    this.#connection.fail(code, details)
  }

  /** `onPing` follows. */
  ping(): void {
    this.#connection.ping()
  }
}
