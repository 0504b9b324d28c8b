// Weft: the sidecar's data plane in a process of its own, fed with what the translator makes of a mesh of one service.
import { join } from 'node:path'
import { PROXY_HEAP_FLAGS } from '../../src/cli/launcher/proxy-heap.ts'
import { CORE, startChild } from '../child.ts'
import type { Contestant } from './contestant.ts'

export const weft: Contestant = {
  name: 'weft',
  missing: () => undefined,
  start(directory, port, upstreamPort) {
    const program = join(import.meta.dirname, 'weft-sidecar.ts')
    return startChild(
      CORE.contestant,
      process.execPath,
      [...PROXY_HEAP_FLAGS, program, directory, String(port), String(upstreamPort)],
      directory,
    )
  },
}
