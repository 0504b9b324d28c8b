// DestinationRule trafficPolicy: of the rule, of a subset, of a port.
import type { PortTrafficPolicy, TrafficPolicy, TrafficPolicyBlocks } from '../../../model/traffic-policy.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readConnectionPool } from '../contract/connection-pool.ts'
import { readOutlierDetection } from '../contract/outlier-detection.ts'
import { readClientTls } from './client-tls.ts'
import { readLoadBalancer } from './load-balancer.ts'
import { readUpstreamPolicy } from './upstream-policy.ts'

const MAX_PORTS = 4096

export function readTrafficPolicy(parent: ObjectReader): TrafficPolicy | null {
  const reader = parent.object('trafficPolicy')
  if (!reader) return null
  const blocks = readBlocks(reader)
  const upstream = readUpstreamPolicy(reader)
  const portReaders = reader.objectList('portLevelSettings')
  if (portReaders.length > MAX_PORTS)
    reader.sink.error('WEFT-1010', reader.place('portLevelSettings'), `more than ${MAX_PORTS} ports`)
  const portLevelSettings = portReaders.slice(0, MAX_PORTS).map(readPortPolicy)
  const seen = new Set<number>()
  for (const [index, { port }] of portLevelSettings.entries()) {
    if (seen.has(port) && port !== 0)
      reader.sink.report('WEFT-1012', 'warning', portReaders[index]!, `port ${port} is set before, and that holds`)
    seen.add(port)
  }
  requireOne(reader, [...BLOCKS, 'portLevelSettings', 'tunnel', 'proxyProtocol', 'retryBudget'])
  reader.done()
  return { ...blocks, ...upstream, portLevelSettings }
}

const BLOCKS = ['loadBalancer', 'connectionPool', 'outlierDetection', 'tls']

function readPortPolicy(reader: ObjectReader): PortTrafficPolicy {
  const portReader = reader.object('port')
  if (!portReader && !reader.has('port')) reader.missing('port')
  const port = portReader?.integer('number', 1, 65_535)
  if (portReader && !portReader.has('number')) portReader.missing('number')
  portReader?.done()
  const blocks = readBlocks(reader)
  requireOne(reader, BLOCKS)
  reader.done()
  return { port: port ?? 0, ...blocks }
}

function requireOne(reader: ObjectReader, names: readonly string[]): void {
  if (!names.some(name => reader.has(name)))
    reader.sink.error('WEFT-1006', reader, `a traffic policy needs at least one of ${BLOCKS.join(', ')}`)
}

function readBlocks(reader: ObjectReader): TrafficPolicyBlocks {
  const loadBalancer = reader.object('loadBalancer')
  const connectionPool = reader.object('connectionPool')
  const tls = reader.object('tls')
  const outlierDetection = reader.object('outlierDetection')
  const clientTls = tls && readClientTls(tls)
  return {
    ...(loadBalancer ? { loadBalancer: readLoadBalancer(loadBalancer) } : {}),
    ...(connectionPool ? { connectionPool: readConnectionPool(connectionPool) } : {}),
    ...(outlierDetection ? { outlierDetection: readOutlierDetection(outlierDetection) } : {}),
    ...(clientTls ? { tls: clientTls } : {}),
  }
}
