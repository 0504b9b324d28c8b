// Generates src/xds/generated from the protocol files inside @grpc/grpc-js-xds, which carries Envoy's whole v3 API.
// Runs at `npm ci` (prepare) and is skipped while its inputs are unchanged. Nothing of Envoy's API is kept in this
// repository: the package is pinned exactly, and what it lacks is patched below, each patch with its reason.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const buildDirectory = join(root, 'build')
const outputDirectory = join(root, 'src/xds/generated')
const stampFile = join(outputDirectory, '.stamp')

/** The messages that the code names. Imports come along by themselves. */
const GENERATED_PATHS = [
  'envoy/service/discovery/v3',
  'envoy/service/load_stats/v3',
  'envoy/service/ratelimit/v3',
  'envoy/service/secret/v3',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3',
  'envoy/extensions/filters/network/tcp_proxy/v3',
  'envoy/extensions/filters/http/router/v3',
  'envoy/extensions/retry/host/previous_hosts/v3',
  'envoy/extensions/retry/priority/previous_priorities/v3',
  'envoy/extensions/internal_redirect/allow_listed_routes/v3',
  'envoy/extensions/internal_redirect/previous_routes/v3',
  'envoy/extensions/internal_redirect/safe_cross_scheme/v3',
  'envoy/extensions/filters/http/dynamic_forward_proxy/v3',
  'envoy/extensions/filters/http/buffer/v3',
  'envoy/extensions/filters/http/cors/v3',
  'envoy/extensions/filters/http/fault/v3',
  'envoy/extensions/filters/http/grpc_stats/v3',
  'envoy/extensions/filters/http/grpc_web/v3',
  'envoy/extensions/filters/http/header_mutation/v3',
  'envoy/extensions/filters/http/health_check/v3',
  'envoy/extensions/filters/http/local_ratelimit/v3',
  'envoy/extensions/filters/http/ratelimit/v3',
  'envoy/extensions/filters/http/rbac/v3',
  'envoy/extensions/filters/listener/original_dst/v3',
  'envoy/extensions/filters/listener/proxy_protocol/v3',
  'envoy/extensions/filters/network/sni_cluster/v3',
  'envoy/extensions/transport_sockets/internal_upstream/v3',
  'envoy/extensions/transport_sockets/proxy_protocol/v3',
  'envoy/extensions/bootstrap/internal_listener/v3',
  'envoy/config/bootstrap/v3',
  'envoy/config/overload/v3',
  'envoy/extensions/resource_monitors/downstream_connections/v3',
  'envoy/extensions/resource_monitors/fixed_heap/v3',
  'envoy/extensions/http/header_formatters/preserve_case/v3',
  'envoy/extensions/formatter/req_without_query/v3',
  'envoy/extensions/request_id/uuid/v3',
  'envoy/extensions/path/match/uri_template/v3',
  'envoy/extensions/path/rewrite/uri_template/v3',
  'envoy/extensions/clusters/dynamic_forward_proxy/v3',
  'envoy/extensions/filters/listener/tls_inspector/v3',
  'envoy/extensions/filters/listener/http_inspector/v3',
  'envoy/extensions/transport_sockets/tls/v3',
  'envoy/extensions/transport_sockets/raw_buffer/v3',
  'envoy/extensions/upstreams/http/v3',
  'envoy/extensions/access_loggers/file/v3',
  'envoy/extensions/access_loggers/stream/v3',
  'istio/v1/auth',
]

/** Options for other generators and for people. Nothing here reads them, and every process would keep them in memory. */
const OPTIONS_LEFT_OUT = ['validate', 'udpa.annotations', 'xds.annotations.v3', 'envoy.annotations', 'google.api.http']

/** Which of the package's folders hold which files, and which files cannot be compiled as shipped or are of API v2. */
const SOURCES: Readonly<Record<string, RegExp>> = {
  'envoy-api': /^envoy\//,
  xds: /^(xds|udpa)\//,
  googleapis:
    /^google\/(api\/(annotations|http|field_behavior|httpbody)\.proto|api\/expr\/v1alpha1\/|rpc\/status\.proto)/,
  'protoc-gen-validate': /^validate\//,
}
const NOT_COMPILED =
  /(^|\/)(v2|v2alpha\d*|v1alpha1)\/|\/(trace_service|service\/metrics\/v3\/metrics_service|config\/trace\/v3\/trace|opencensus|access_loggers\/open_telemetry\/v3\/logs_service)\.proto$/

const ROUTE_IMPORT = 'import "envoy/config/route/v3/route_components.proto";\n'

/** Fields that the package's files are too old for, with upstream's numbers: file, text, what stands in its place. */
const PATCHES: readonly (readonly [file: string, text: string, patched: string])[] = [
  // The package's validate.proto predates StringRules.ignore_empty, which Envoy's files use.
  ['validate/validate.proto', 'message StringRules {', 'message StringRules {\n    optional bool ignore_empty = 26;'],
  // Limits that say themselves what they are asked for, whatever the routes say.
  [
    'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto',
    'message LocalRateLimit {',
    `${ROUTE_IMPORT}message LocalRateLimit {
  repeated config.route.v3.RateLimit rate_limits = 17;
  google.protobuf.UInt32Value max_dynamic_descriptors = 18;`,
  ],
  [
    'envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto',
    'message RateLimit {',
    'message RateLimit {\n  repeated config.route.v3.RateLimit rate_limits = 17;',
  ],
  [
    'envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto',
    'repeated RateLimitConfig rate_limits = 3;',
    'repeated config.route.v3.RateLimit rate_limits = 3;',
  ],
  // Which responses outlier detection takes for errors.
  [
    'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
    'message HttpProtocolOptions {',
    `import "envoy/config/common/matcher/v3/matcher.proto";
message HttpProtocolOptions {
  message OutlierDetection {
    config.common.matcher.v3.MatchPredicate error_matcher = 1;
  }
  OutlierDetection outlier_detection = 8;`,
  ],
  // Retries measured by the requests of a time, not by those under way.
  [
    'envoy/config/cluster/v3/circuit_breaker.proto',
    'message RetryBudget {',
    'message RetryBudget {\n      google.protobuf.Duration budget_interval = 3;',
  ],
  [
    'envoy/config/cluster/v3/circuit_breaker.proto',
    'import "google/protobuf/wrappers.proto";',
    'import "google/protobuf/duration.proto";\nimport "google/protobuf/wrappers.proto";',
  ],
]

function bufBinary(): string {
  const { platform, arch } = process
  const name = `@bufbuild/buf-${platform}-${platform === 'linux' && arch === 'arm64' ? 'aarch64' : arch}`
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), platform === 'win32' ? 'bin/buf.exe' : 'bin/buf')
  } catch {
    console.error(
      `${name} is not installed, which the xDS messages are generated with; run npm ci with optional packages.`,
    )
    process.exit(1)
  }
}

function copyProtocolFiles(packageDirectory: string, target: string): void {
  for (const [folder, wanted] of Object.entries(SOURCES)) {
    const from = join(packageDirectory, 'deps', folder)
    for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.proto') || !wanted.test(file)) continue
      if (file.startsWith('envoy/') && NOT_COMPILED.test(file)) continue
      let text = readFileSync(join(from, file), 'utf8')
      for (const [patchedFile, before, after] of PATCHES) {
        if (patchedFile !== file) continue
        if (!text.includes(before)) throw new Error(`${file}: no "${before}" to patch`)
        text = text.replace(before, after)
      }
      mkdirSync(dirname(join(target, file)), { recursive: true })
      writeFileSync(join(target, file), text)
    }
  }
}

const packageFile = require.resolve('@grpc/grpc-js-xds/package.json')
const ownProtocol = readFileSync(join(root, 'proto/istio/v1/auth/ca.proto'), 'utf8')
const stamp = createHash('sha256')
  .update(readFileSync(packageFile))
  .update(readFileSync(import.meta.filename))
  .update(ownProtocol)
  .digest('hex')
if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) process.exit(0)

const protocolDirectory = join(buildDirectory, 'proto')
rmSync(protocolDirectory, { recursive: true, force: true })
rmSync(outputDirectory, { recursive: true, force: true })
copyProtocolFiles(dirname(packageFile), protocolDirectory)
mkdirSync(join(protocolDirectory, 'istio/v1/auth'), { recursive: true })
writeFileSync(join(protocolDirectory, 'istio/v1/auth/ca.proto'), ownProtocol)
writeFileSync(join(buildDirectory, 'buf.yaml'), 'version: v2\nmodules:\n  - path: proto\n')
const generation = {
  version: 'v2',
  inputs: [
    {
      directory: 'proto',
      paths: GENERATED_PATHS.map(path => `proto/${path}`),
      exclude_types: OPTIONS_LEFT_OUT,
    },
  ],
  plugins: [
    {
      local: 'protoc-gen-es',
      out: outputDirectory,
      opt: ['target=ts', 'import_extension=ts', 'erasable_syntax=true'],
      include_imports: true,
      strategy: 'all',
    },
  ],
}
writeFileSync(join(buildDirectory, 'buf.gen.yaml'), JSON.stringify(generation))
execFileSync(bufBinary(), ['generate'], {
  cwd: buildDirectory,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env['PATH']}` },
})
writeFileSync(stampFile, stamp)
