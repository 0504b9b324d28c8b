// HTTP/1.1 read as plainly as can be, so that a mistake of the codec's is not made a second time.

export interface TextMessage {
  /** `GET /a HTTP/1.1`, `HTTP/1.1 200 OK`. */
  readonly start: string
  readonly fields: string
  readonly body: string
  readonly isWhole: boolean
}

const HEAD = /^([^\r\n]+)\r\n((?:[^\r\n]+\r\n)*)\r\n/

/** The messages of one connection; what is none is a message of its own, without fields. */
export function readMessages(bytes: string): TextMessage[] {
  const messages: TextMessage[] = []
  for (let rest = bytes; rest !== ''; ) {
    const [head = '', start = rest, fields = ''] = HEAD.exec(rest) ?? []
    const length = head === '' ? rest.length : bodyLength(start, fields, rest.slice(head.length))
    const body = rest.slice(head.length, head.length + length)
    messages.push({ start, fields, body, isWhole: head !== '' && body.length === length })
    rest = rest.slice(head.length + length)
  }
  return messages
}

function bodyLength(start: string, fields: string, rest: string): number {
  if (start.startsWith('CONNECT ') || /^upgrade:/im.test(fields)) return rest.length
  const length = /^content-length: (\d+)\r$/im.exec(fields)?.[1]
  if (length !== undefined) return Number(length)
  if (!/^transfer-encoding: chunked\r$/im.test(fields)) return 0
  const end = /(?:^|\r\n)0\r\n\r\n/.exec(rest)
  return end === null ? Number.POSITIVE_INFINITY : end.index + end[0].length
}

/** Equal neighbours counted: `2 x GET /a, GET /b`. */
export function joinWords(words: readonly string[]): string {
  const joined: string[] = []
  for (let i = 0, count = 1; i < words.length; i++, count++) {
    if (words[i] === words[i + 1]) continue
    joined.push(count === 1 ? words[i]! : `${count} x ${words[i]}`)
    count = 0
  }
  return joined.join(', ')
}
