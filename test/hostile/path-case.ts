import type { HostileCase } from './hostile-case.ts'

/** A request for `path`, and the path that the upstream gets. */
export function pathCase(path: string, upstreamSees: string): HostileCase {
  return { name: path, send: getPath(path), gets: '200, kept', upstreamSees: `GET ${upstreamSees}` }
}

export function refusedPath(path: string): HostileCase {
  return {
    name: path,
    send: getPath(path),
    gets: '400, closed',
    counts: 'downstream_rq_failed_path_normalization',
    logs: '- path_normalization_failed',
    upstreamSees: 'nothing',
  }
}

export function redirectedPath(path: string, location: string): HostileCase {
  return { name: path, send: getPath(path), gets: `307 to ${location}, kept`, upstreamSees: 'nothing' }
}

function getPath(path: string): string {
  return `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`
}
