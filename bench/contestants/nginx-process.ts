// nginx as a process: the same foundation for the contestant, the upstream and the client's mutual TLS.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, startChild } from '../harness/child.ts'
import { peer } from '../harness/peer.ts'
import { type PairFiles, SERVER_NAME, type TlsFiles } from './tls-files.ts'

export interface NginxOptions {
  readonly directory: string
  readonly cores: string
  readonly workers: number
  /** Of the http block. */
  readonly http: string
}

export function startNginx({ directory, cores, workers, http }: NginxOptions): Child {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'nginx.conf')
  const errors = join(directory, 'error.log')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${directory}/${name};`,
  )
  writeFileSync(
    file,
    `daemon off; master_process ${workers > 1 ? 'on' : 'off'}; worker_processes ${workers}; pid ${directory}/pid;
error_log ${errors}; worker_rlimit_nofile 65536;
events { worker_connections 24000; }
http {
  ${temporary.join(' ')}
  keepalive_requests 1000000000; keepalive_timeout 1h; open_file_cache max=100; server_tokens off;
  ${http}
}`,
  )
  return startChild({ cores, command: peer('nginx'), args: ['-e', errors, '-p', directory, '-c', file], directory })
}

export const TLS_1_3 = 'ssl_protocols TLSv1.3;'

export function serverTls({ chain, key }: PairFiles, clientRoots: string | null): string {
  const clients = clientRoots === null ? '' : ` ssl_verify_client on; ssl_client_certificate ${clientRoots};`
  return `ssl_certificate ${chain}; ssl_certificate_key ${key}; ${TLS_1_3}${clients}`
}

/** `proxy` speaks HTTP/1.1 to servers, `grpc` HTTP/2: one stream a connection. */
export function clientTls({ client, roots }: TlsFiles, mutual: boolean, module: 'proxy' | 'grpc'): string {
  const own = mutual ? ` ${module}_ssl_certificate ${client.chain}; ${module}_ssl_certificate_key ${client.key};` : ''
  return `${module}_ssl_protocols TLSv1.3; ${module}_ssl_verify on; ${module}_ssl_trusted_certificate ${roots};
      ${module}_ssl_name ${SERVER_NAME}; ${module}_ssl_server_name on;${own}`
}
