// The upstream of every run: nginx, which is nobody's bottleneck. Its CPU time counts for nobody.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { accepting, freePort } from '../harness/child.ts'
import { loadCores } from '../harness/cores.ts'
import { serverTls, startNginx } from './nginx-process.ts'
import type { Hop } from './scenario.ts'
import type { TlsFiles } from './tls-files.ts'

export const KILOBYTE = 1024
/** By the last part of a request's path. */
export const BODIES: Readonly<Record<string, number>> = {
  '100b': 100,
  '1kb': KILOBYTE,
  '10kb': 10 * KILOBYTE,
  '100kb': 100 * KILOBYTE,
  '1mb': KILOBYTE ** 2,
  '10mb': 10 * KILOBYTE ** 2,
}
/** Of nginx's configuration: no word may be longer. */
const LONGEST_WORD = 4000

export interface Upstream {
  readonly port: number
}

/** Answers `.../1kb` with so much, whatever stands before it; `.../grpc` with one gRPC message and its trailers. */
export async function startUpstream(
  directory: string,
  hop: Hop,
  tls: TlsFiles,
  release: AsyncDisposableStack,
): Promise<Upstream> {
  const folder = join(directory, `upstream-${hop.protocol}-${hop.tls}`)
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const http = configuration(folder, port, hop, tls)
  const process = release.use(startNginx({ directory: folder, cores: loadCores(1), workers: 1, http }))
  await accepting(port, process)
  return { port }
}

function configuration(folder: string, port: number, { protocol, tls }: Hop, files: TlsFiles): string {
  const listen = `listen 127.0.0.1:${port} backlog=4096${tls === 'none' ? '' : ' ssl'}${protocol === 'http2' ? ' http2' : ''};`
  const secured = tls === 'none' ? '' : serverTls(files.server, tls === 'mutual' ? files.roots : null)
  writeFileSync(join(folder, 'message'), grpcMessage(KILOBYTE))
  const bodies = Object.entries(BODIES).map(([name, length]) => {
    if (length <= LONGEST_WORD) return `location ~ /${name}$ { return 200 "${'x'.repeat(length)}"; }`
    writeFileSync(join(folder, name), 'x'.repeat(length))
    return `location ~ /${name}$ { rewrite ^ /${name} break; root ${folder}; }`
  })
  // Only what is passed on is read to its end first, as a gRPC server does: an answer before that resets the stream.
  return `access_log off; sendfile on; tcp_nopush on; default_type application/octet-stream;
  server {
    ${listen} ${secured}
    ${bodies.join('\n    ')}
    location ~ /grpc$ {
      rewrite ^ /message break; proxy_pass http://message; proxy_method GET; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_http_version 1.1; proxy_set_header Connection "";
      add_trailer grpc-status 0;
    }
  }
  upstream message { server unix:${folder}/socket; keepalive 256; keepalive_requests 1000000000; }
  server { listen unix:${folder}/socket; root ${folder}; default_type application/grpc; }`
}

/** Length-prefixed, uncompressed ("gRPC over HTTP/2", Length-Prefixed-Message). */
export function grpcMessage(length: number): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(length, 1)
  return Buffer.concat([prefix, Buffer.alloc(length, 'x')])
}
