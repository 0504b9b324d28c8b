// Headers as one flat array: name, value, name, value. Names are lower case. Four times cheaper than a Map and twenty
// times than web Headers for what a proxy does (docs/decisions). Order is kept, as RFC 9110 5.3 asks of same-named fields.

export type HeaderList = string[]

/** First value of `name`, or undefined. `name` is lower case. */
export function getHeader(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}

/** Every value of `name`, joined with a comma as RFC 9110 5.2 allows; undefined when absent. Matchers use this. */
export function getCombinedHeader(headers: HeaderList, name: string): string | undefined {
  let combined: string | undefined
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) combined = combined === undefined ? headers[i + 1] : `${combined},${headers[i + 1]}`
  }
  return combined
}

/** Replaces every field of `name` by one; appends when absent. */
export function setHeader(headers: HeaderList, name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue
    headers[i + 1] = value
    removeHeaderFrom(headers, name, i + 2)
    return
  }
  headers.push(name, value)
}

export function addHeader(headers: HeaderList, name: string, value: string): void {
  headers.push(name, value)
}

export function removeHeader(headers: HeaderList, name: string): void {
  removeHeaderFrom(headers, name, 0)
}

function removeHeaderFrom(headers: HeaderList, name: string, from: number): void {
  let kept = from
  for (let i = from; i < headers.length; i += 2) {
    if (headers[i] === name) continue
    if (kept !== i) {
      headers[kept] = headers[i]!
      headers[kept + 1] = headers[i + 1]!
    }
    kept += 2
  }
  headers.length = kept
}
