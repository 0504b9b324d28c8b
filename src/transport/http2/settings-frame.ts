// What a connection begins with (RFC 9113 3.4): the client's preface, settings, and credit for the connection.
import { DEFAULT_WINDOW, FRAME, FRAME_HEADER_BYTES, PREFACE, SETTING, writeFrameHeader, writeUint32 } from './frame.ts'
import type { Http2Settings } from './session-options.ts'

const SETTING_BYTES = 6
const MAX_SETTINGS = 4
const WINDOW_UPDATE_BYTES = FRAME_HEADER_BYTES + 4

export function openingBytes(side: 'server' | 'client', settings: Http2Settings): Buffer {
  const preface = side === 'client' ? PREFACE.length : 0
  const bytes = Buffer.alloc(preface + FRAME_HEADER_BYTES + MAX_SETTINGS * SETTING_BYTES + WINDOW_UPDATE_BYTES)
  if (side === 'client') PREFACE.copy(bytes)
  const start = preface + FRAME_HEADER_BYTES
  let at = start
  if (side === 'client') at = writeSetting(bytes, at, SETTING.enablePush, 0)
  else if (settings.allowConnect) at = writeSetting(bytes, at, SETTING.enableConnectProtocol, 1)
  at = writeSetting(bytes, at, SETTING.headerTableSize, settings.headerTableSize)
  if (side === 'server') at = writeSetting(bytes, at, SETTING.maxConcurrentStreams, settings.maxConcurrentStreams)
  at = writeSetting(bytes, at, SETTING.initialWindowSize, settings.initialStreamWindow)
  writeFrameHeader(bytes, preface, at - start, FRAME.settings, 0, 0)
  if (settings.initialConnectionWindow > DEFAULT_WINDOW) {
    at = writeFrameHeader(bytes, at, 4, FRAME.windowUpdate, 0, 0)
    at = writeUint32(bytes, at, settings.initialConnectionWindow - DEFAULT_WINDOW)
  }
  return bytes.subarray(0, at)
}

function writeSetting(bytes: Buffer, at: number, id: number, value: number): number {
  bytes[at] = id >>> 8
  bytes[at + 1] = id
  return writeUint32(bytes, at + 2, value)
}
