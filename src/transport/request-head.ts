import type { HeaderList } from './header-list.ts'

/** A request's start, the same for every protocol version. Authority and scheme are not in `headers`. */
export interface RequestHead {
  method: string
  /** Path and query, origin form: `/a?b=c`, or `*`. */
  path: string
  /** As sent, port included; empty when HTTP/1.0 sent none. */
  authority: string
  scheme: string
  /**
   * What the stream is to become: the value of a nominated `upgrade` (RFC 9110 7.8), in HTTP/2 of `:protocol` (RFC 8441);
   * empty for plain requests. `upgrade` and `connection` then stand in `headers`, in either version, as in Envoy.
   */
  protocol: string
  headers: HeaderList
  spelling?: HeaderSpelling
}

/** Whether what follows the head is no body of HTTP's but a tunnel, once the response agrees. */
export function isTunnel(head: RequestHead): boolean {
  return head.protocol !== '' || head.method === 'CONNECT'
}

/** Whether a response agrees to the tunnel that was asked for (RFC 9110 7.8, 9.3.6). */
export function opensTunnel(request: RequestHead, status: number): boolean {
  if (request.protocol !== '') return status === 101
  return request.method === 'CONNECT' && status >= 200 && status < 300
}

/** `connect`, or what is upgraded to, in lower case: upgrade types are compared without regard to case (RFC 9110 7.8). */
export function tunnelType(head: RequestHead): string {
  return (head.protocol === '' ? head.method : head.protocol).toLowerCase()
}

export interface ResponseHead {
  status: number
  headers: HeaderList
  spelling?: HeaderSpelling
}

/** How a peer spelt its field names, where that is to be kept: lower case, as sent, lower case, as sent. */
export type HeaderSpelling = readonly string[]
