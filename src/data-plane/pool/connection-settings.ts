// What a connection to an endpoint goes by, of its cluster.
import type { Cluster } from '../cluster/cluster.ts'

export type ConnectionSettings = Pick<
  Cluster,
  'stats' | 'bufferLimit' | 'http1' | 'http2' | 'maxRequestsPerConnection' | 'random'
>
