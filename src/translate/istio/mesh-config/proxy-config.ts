// MeshConfig.defaultConfig: Istio's ProxyConfig.
import { DEFAULT_PROXY_CONFIG, type ProxyConfig, type ProxyProcessConfig } from '../../../model/proxy-config.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readForwardClientCert } from './forward-client-cert.ts'
import { readProxyHeaders } from './proxy-headers.ts'

/** What `weft proxy --concurrency` takes. */
const MAX_CONCURRENCY = 128
const MAX_UINT32 = 0xffff_ffff

/** Of Kubernetes, of Istio's agent, of telemetry and of certificates. */
const NOT_YET = (
  'availabilityZone binaryPath caCertificatesPem configPath connectionSettings controlPlaneAuthPolicy ' +
  'customConfigFile discoveryAddress discoveryRefreshDelay environmentVariables envoyAccessLogService ' +
  'envoyMetricsService envoyMetricsServiceAddress extraStatTags fileFlushInterval fileFlushMinSizeKb ' +
  'holdApplicationUntilProxyStarts image meshId parentShutdownDuration privateKeyProvider proxyAdminPort ' +
  'proxyBootstrapTemplatePath proxyMetadata proxyStatsMatcher readinessProbe runtimeValues sds serviceCluster ' +
  'statNameLength statsdUdpAddress statusPort tracing tracingServiceName zipkinAddress'
).split(' ')

export function readProxyConfig(reader: ObjectReader): ProxyConfig {
  reader.enumeration('interceptionMode', ['NONE'], ['REDIRECT', 'TPROXY'])
  const topology = reader.object('gatewayTopology')
  const headers = reader.object('proxyHeaders')
  // Weft's launcher never does otherwise.
  reader.boolean('holdApplicationUntilProxyStarts')
  const process = readProcess(reader)
  reader.unsupported(...NOT_YET)
  reader.done()
  return {
    process,
    gatewayTopology: topology ? readTopology(topology) : DEFAULT_PROXY_CONFIG.gatewayTopology,
    proxyHeaders: headers ? readProxyHeaders(headers) : DEFAULT_PROXY_CONFIG.proxyHeaders,
  }
}

function readProcess(reader: ObjectReader): ProxyProcessConfig {
  const { drainDurationMs, terminationDrainDurationMs } = DEFAULT_PROXY_CONFIG.process
  return {
    concurrency: reader.integer('concurrency', 0, MAX_CONCURRENCY) ?? null,
    drainDurationMs: wholeSeconds(reader, 'drainDuration', 1000) ?? drainDurationMs,
    terminationDrainDurationMs: wholeSeconds(reader, 'terminationDrainDuration', 0) ?? terminationDrainDurationMs,
  }
}

/** Istio's agent hands the proxy seconds, and refuses fractions. */
function wholeSeconds(reader: ObjectReader, field: string, minimumMs: number): number | undefined {
  const value = reader.duration(field, minimumMs)
  if (value !== undefined && value % 1000 !== 0) reader.sink.badValue(reader.place(field), 'must be in whole seconds')
  return value
}

function readTopology(reader: ObjectReader): ProxyConfig['gatewayTopology'] {
  const { numTrustedProxies, forwardClientCert } = DEFAULT_PROXY_CONFIG.gatewayTopology
  const proxyProtocol = reader.object('proxyProtocol')
  proxyProtocol?.done()
  const topology = {
    numTrustedProxies: reader.integer('numTrustedProxies', 0, MAX_UINT32) ?? numTrustedProxies,
    forwardClientCert: readForwardClientCert(reader, 'forwardClientCertDetails') ?? forwardClientCert,
    proxyProtocol: proxyProtocol !== undefined,
  }
  reader.done()
  return topology
}
