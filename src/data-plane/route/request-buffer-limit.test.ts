// per_request_buffer_limit_bytes: which of its levels holds. What it does: filters/http/router/request-buffer.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromJson } from '@bufbuild/protobuf'
import { RouteConfigurationSchema } from '../../xds/generated/envoy/config/route/v3/route_pb.ts'
import { compileRouteTable } from './compile-route-table.ts'

const route = (path: string, limit?: number) => ({
  match: { path },
  route: { cluster: 'c' },
  ...(limit === undefined ? {} : { perRequestBufferLimitBytes: limit }),
})

test("the route's limit stands above its virtual host's", () => {
  const routes = [route('/none'), route('/zero', 0), route('/more', 500)]
  const compiled = compileRouteTable(
    fromJson(RouteConfigurationSchema, {
      virtualHosts: [
        { name: 'limited', domains: ['limited'], routes, perRequestBufferLimitBytes: 100 },
        { name: 'free', domains: ['free'], routes },
      ],
    }),
  )
  assert.ok(compiled.ok)
  const limitOf = (authority: string, path: string) => {
    const head = { method: 'GET', path, authority, scheme: 'http', headers: [], protocol: '' }
    const entry = compiled.value.match({ head } as never)
    assert.ok(entry?.kind === 'forward')
    return entry.bufferLimit
  }
  assert.deepEqual(
    ['/none', '/zero', '/more'].map(path => limitOf('limited', path)),
    [100, 0, 500],
  )
  assert.deepEqual(
    ['/none', '/zero', '/more'].map(path => limitOf('free', path)),
    [null, 0, 500],
  )
})
