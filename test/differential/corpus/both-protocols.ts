// One request, said in HTTP/1.1 and in HTTP/2.
import type { Http1Dialogue } from '../http1/client.ts'
import type { Http2Dialogue } from '../http2/client.ts'
import type { Field } from '../message.ts'

export interface PlainRequest {
  readonly method: string
  readonly path: string
  readonly fields: readonly Field[]
  readonly body: string
}

export function inHttp1({ method, path, fields, body }: PlainRequest): Http1Dialogue {
  const length: Field[] = body === '' ? [] : [['content-length', String(body.length)]]
  const lines = [...fields, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return {
    protocol: 'http1',
    writes: [`${method} ${path} HTTP/1.1\r\nhost: a.test\r\n${lines}\r\n${body}`],
    methods: [method],
  }
}

export function inHttp2({ method, path, fields, body }: PlainRequest): Http2Dialogue {
  const pseudo: Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', 'a.test'],
    [':path', path],
  ]
  return { protocol: 'http2', fields: [...pseudo, ...fields], body, trailers: [] }
}
