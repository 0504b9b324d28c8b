// MeshConfig.defaultConfig: Istio's ProxyConfig.
import { DEFAULT_PROXY_CONFIG, type ProxyConfig } from '../../../model/proxy-config.ts'
import type { ObjectReader } from '../../document/object-reader.ts'
import { readForwardClientCert } from './forward-client-cert.ts'
import { readProxyHeaders } from './proxy-headers.ts'

const MAX_UINT32 = 0xffff_ffff

/** Of Kubernetes, of Istio's agent, of telemetry and of certificates. */
const NOT_YET = (
  'availabilityZone binaryPath caCertificatesPem concurrency configPath connectionSettings controlPlaneAuthPolicy ' +
  'customConfigFile discoveryAddress discoveryRefreshDelay drainDuration environmentVariables envoyAccessLogService ' +
  'envoyMetricsService envoyMetricsServiceAddress extraStatTags fileFlushInterval fileFlushMinSizeKb ' +
  'holdApplicationUntilProxyStarts image meshId parentShutdownDuration privateKeyProvider proxyAdminPort ' +
  'proxyBootstrapTemplatePath proxyMetadata proxyStatsMatcher readinessProbe runtimeValues sds serviceCluster ' +
  'statNameLength statsdUdpAddress statusPort terminationDrainDuration tracing tracingServiceName zipkinAddress'
).split(' ')

export function readProxyConfig(reader: ObjectReader): ProxyConfig {
  reader.enumeration('interceptionMode', ['NONE'], ['REDIRECT', 'TPROXY'])
  const topology = reader.object('gatewayTopology')
  const headers = reader.object('proxyHeaders')
  reader.unsupported(...NOT_YET)
  reader.done()
  return {
    gatewayTopology: topology ? readTopology(topology) : DEFAULT_PROXY_CONFIG.gatewayTopology,
    proxyHeaders: headers ? readProxyHeaders(headers) : DEFAULT_PROXY_CONFIG.proxyHeaders,
  }
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
