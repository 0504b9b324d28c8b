// What the other side has announced (RFC 9113 6.5.2).
import { ERROR_CODE } from './error-code.ts'
import { DEFAULT_WINDOW, FRAME_PAYLOAD_BYTES, MAX_WINDOW, SETTING } from './frame.ts'

/** Until a server says: none should allow less. */
const STREAMS_BEFORE_SETTINGS = 100

export class PeerSettings {
  maxConcurrentStreams = STREAMS_BEFORE_SETTINGS
  initialWindow = DEFAULT_WINDOW
  /** RFC 8441 3: the server takes an extended CONNECT. */
  allowsConnect = false
  readonly #isServer: boolean
  #limitsStreams = false

  /** `isServer`: this side is. */
  constructor(isServer: boolean) {
    this.#isServer = isServer
  }

  /** Takes one setting; the error code when it has a value that it must not have. What is not known is ignored. */
  set(id: number, value: number): number {
    switch (id) {
      case SETTING.maxConcurrentStreams:
        this.#limitsStreams = true
        this.maxConcurrentStreams = value
        return ERROR_CODE.noError
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW) return ERROR_CODE.flowControlError
        this.initialWindow = value
        return ERROR_CODE.noError
      case SETTING.maxFrameSize:
        // Larger frames than all take are never sent.
        return judge(value >= FRAME_PAYLOAD_BYTES && value <= 0xff_ffff)
      case SETTING.enablePush:
        return judge(value === 0 || (value === 1 && this.#isServer))
      case SETTING.enableConnectProtocol:
        // RFC 8441 3: not to be taken back.
        if (value > 1 || (value === 0 && this.allowsConnect)) return ERROR_CODE.protocolError
        this.allowsConnect = value === 1
        return ERROR_CODE.noError
      default:
        return ERROR_CODE.noError
    }
  }

  /** All settings of a frame are taken: what has not been limited is not. */
  onComplete(): void {
    if (!this.#limitsStreams) this.maxConcurrentStreams = MAX_WINDOW
  }
}

function judge(isGood: boolean): number {
  return isGood ? ERROR_CODE.noError : ERROR_CODE.protocolError
}
