// A verb's way to end with a message and an exit code; program.ts prints the one and returns the other.
import { EXIT } from './exit-code.ts'

export class CommandFailure extends Error {
  readonly exitCode: number

  /** `message` is one line for standard error, printed after `weft: `; empty: all has been said already. */
  constructor(message: string, exitCode: number = EXIT.failure) {
    super(message)
    this.name = 'CommandFailure'
    this.exitCode = exitCode
  }
}
