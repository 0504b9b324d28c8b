// Mutual TLS for a load generator that has no certificate: nginx before the contestant, plaintext in, mutual TLS out.
import { join } from 'node:path'
import { accepting, freePort } from '../harness/child.ts'
import { loadCores } from '../harness/cores.ts'
import { clientTls, startNginx } from './nginx-process.ts'
import type { Hop } from './scenario.ts'
import type { TlsFiles } from './tls-files.ts'

/** The port that takes plaintext for the contestant, until `release`. */
export async function startClientTls(
  directory: string,
  protocol: Hop['protocol'],
  contestantPort: number,
  tls: TlsFiles,
  release: AsyncDisposableStack,
): Promise<number> {
  const port = await freePort()
  const module = protocol === 'http2' ? 'grpc' : 'proxy'
  const http = `access_log off;
  upstream contestant { server 127.0.0.1:${contestantPort}; keepalive 1024; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096${protocol === 'http2' ? ' http2' : ''};
    proxy_http_version 1.1; proxy_set_header Connection "";
    ${clientTls(tls, true, module)}
    location / { ${module}_pass ${module === 'grpc' ? 'grpcs' : 'https'}://contestant; }
  }`
  const folder = join(directory, 'client-tls')
  const process = release.use(startNginx({ directory: folder, cores: loadCores(1), workers: 1, http }))
  await accepting(port, process)
  return port
}
