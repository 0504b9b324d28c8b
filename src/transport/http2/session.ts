// placeholder until the codec lands
import type { Socket } from 'node:net'
import type { HeaderList } from '../header-list.ts'
import type { RequestHead, ResponseHead } from '../request-head.ts'
import type { Http2Settings } from './session-options.ts'
export interface Http2StreamHandler {
  onResponse(head: ResponseHead, fields: number, endStream: boolean): void
  onData(chunk: Buffer, endStream: boolean): void
  onTrailers(headers: HeaderList): void
  onReset(code: number, remote: boolean, details: string): void
  onDrained(): void
}
export interface Http2SessionHandler {
  onRequest(stream: Http2Stream, head: RequestHead, fields: number, endStream: boolean): Http2StreamHandler
  onCapacity(): void
  onGoAway(lastStreamId: number, code: number): void
  onSessionError(code: number, details: string): void
  onPing?(): void
}
export declare class X {}
export class Http2Session {
  readonly canOpenStream = false
  readonly activeStreams = 0
  constructor(_side: 'server' | 'client', _socket: Socket, _handler: Http2SessionHandler, _settings: Http2Settings) {}
  start(): void {}
  receive(_chunk: Buffer): void {}
  drained(): void {}
  end(): void {}
  openStream(_handler: Http2StreamHandler): Http2Stream {
    return new Http2Stream()
  }
  goAway(_code: number, _final: boolean): void {}
  ping(): void {}
  flush(): void {}
}
export class Http2Stream {
  readonly id = 0
  readonly isBlocked = false
  sendRequest(_head: RequestHead, _path: string, _authority: string, _endStream: boolean): void {}
  sendResponse(_status: number, _headers: HeaderList, _endStream: boolean): void {}
  sendData(_chunk: Buffer, _endStream: boolean): void {}
  sendTrailers(_headers: HeaderList): void {}
  reset(_code: number): void {}
  pause(): void {}
  resume(): void {}
}
