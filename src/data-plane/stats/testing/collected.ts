// The garbage collector, for tests of what goes with it.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
export const collect = runInNewContext('gc') as () => void

/** Until `isTrue`, which nothing but memory that is held keeps from coming. */
export async function collectUntil(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    collect()
    await new Promise(setImmediate)
  }
}
