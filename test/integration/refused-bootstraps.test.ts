// What Envoy refuses in a bootstrap, Weft refuses, at the field that is wrong.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkBootstrap } from '../../src/main/static-proxy.ts'
import { REFUSED, withRoute } from './refused-bootstraps.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-refused-'))
after(() => rmSync(folder, { recursive: true }))

/** The end of the path. */
const FIELDS: Readonly<Record<string, string>> = {
  'both of one filter': 'filters',
  'a log filter without anything': 'filter',
  'a log filter by a flag that there is none of': 'flags[0]',
  'a share of requests without a key': 'runtime_key',
  'a comparison without a value': 'value',
  'an operator that there is none of': 'text_format_source',
  'an operator without its argument': 'text_format_source',
  'a duration between unknown units': 'text_format_source',
  'a gRPC status in an unknown form': 'text_format_source',
  'a choice of nothing': 'text_format_source',
  'lines in no time': 'access_log_flush_interval',
  'lines asked for twice': 'access_log_options',
  'a redirect followed with a host of its own': 'response_headers_to_copy[0]',
  'a redirect followed by too many statuses': 'redirect_response_codes',
  'a scheme that there is none of': 'scheme_to_overwrite',
  'a reply mapped for nobody': 'filter',
  'a reply mapped to no final status': 'status_code',
  'a body without a format': 'body_format',
  'a template without a slash': 'path_template',
  'a template with a glob behind a glob': 'path_template',
  'a template with a name twice': 'path_template',
  'a rewrite by a name that is not matched': 'path_template_rewrite',
  'a rewrite by template without a match': 'path_rewrite_policy',
  'no statistics prefix': 'stat_prefix',
  'no room for a head': 'max_request_headers_kb',
  'too much room for a head': 'max_request_headers_kb',
  'no fields': 'max_headers_count',
  'two ways to strip a port': 'strip_any_host_port',
  'a negative duration': 'stream_idle_timeout',
  'an empty prefix of a header': 'prefix_match',
  'a fraction without a value': 'default_value',
  'a long parameter name': 'name',
  'a negative timeout': 'timeout',
  'a back-off without base': 'base_interval',
  'weights beyond 32 bits': 'clusters',
  'append and append_action': 'append_action',
  'a long value': 'value',
  'an unknown cluster': 'cluster',
  'no time to connect': 'connect_timeout',
  'a name where addresses belong': 'load_assignment',
  'an assignment to nobody': 'cluster_name',
  'no time between look-ups': 'dns_refresh_rate',
  'two logical endpoints': 'load_assignment',
  'a policy that the cluster lacks': 'lb_policy',
  'no streams of HTTP/2': 'max_concurrent_streams',
  'more streams of HTTP/2 than there are': 'max_concurrent_streams',
  'no frames of HTTP/2 to be sent': 'max_outbound_frames',
  'no control frames of HTTP/2 to be sent': 'max_outbound_control_frames',
  'no window updates': 'max_inbound_window_update_frames_per_data_frame_sent',
  'no streams of HTTP/2 upstream': 'max_concurrent_streams',
  'protocol options without a protocol': 'HttpProtocolOptions]',
  'an explicit protocol without one': 'explicit_http_config',
  'HTTP/3 where the client speaks it': 'http3_protocol_options',
  'no name of a header to take a server name from': 'override_auto_sni_header',
  'one upgrade in two spellings': 'upgrade_type',
  'a regex that is to ignore case': 'ignore_case',
  'a line break in the name of a header': 'name',
  'a line break in a domain': 'domains[0]',
  'more than all endpoints': 'healthy_panic_threshold',
  'endpoints of the original destination': 'load_assignment',
  'a resolver for an address': 'resolver_name',
  'the shortest time between look-ups': 'dns_refresh_rate',
  'EDS for a cluster that has its endpoints': 'eds_cluster_config',
  'no connections at once': 'max_connections_to_accept_per_socket_event',
  'a small buffer for inspection': 'initial_read_buffer_size',
  'more than all memory': 'value',
  'one overload action twice': 'name',
  'a forward proxy whose servers are not checked': 'typed_extension_protocol_options',
  'a DNS cache without a name': 'name',
  'a DNS cache for nobody': 'max_hosts',
  'a DNS cache that keeps nothing': 'host_ttl',
  'a DNS cache that never rests': 'dns_refresh_rate',
  'a DNS cache with a short minimum': 'dns_min_refresh_rate',
}

async function problemsOf(config: object): Promise<readonly string[]> {
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(config))
  const checked = await checkBootstrap(file)
  return checked.ok ? [] : checked.problems.map(({ path = '' }) => path)
}

test('what nothing is wrong with', async () => assert.deepEqual(await problemsOf(withRoute({})), []))

for (const [name, config] of Object.entries(REFUSED))
  test(name, async () => {
    const paths = await problemsOf(config)
    assert.equal(paths.length, 1)
    const field = FIELDS[name] ?? 'missing here'
    assert.ok(paths[0]?.endsWith(field), `${paths[0]} ends in ${field}`)
  })
