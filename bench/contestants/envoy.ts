// Envoy, by the sidecar's bootstrap.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../harness/child.ts'
import { contestantCores } from '../harness/cores.ts'
import { missingPeer, peer } from '../harness/peer.ts'
import type { Contestant } from './contestant.ts'
import { sidecarBootstrap } from './sidecar-bootstrap.ts'

export const envoy: Contestant = {
  name: 'envoy',
  missing: () => missingPeer('envoy'),
  start(run) {
    const { directory, workers } = run
    const file = join(directory, 'envoy.json')
    writeFileSync(file, JSON.stringify(sidecarBootstrap(run)))
    const args = ['-c', file, '--concurrency', String(workers), '--use-dynamic-base-id', '-l', 'error']
    return startChild({ cores: contestantCores(workers), command: peer('envoy'), args, directory })
  },
}
