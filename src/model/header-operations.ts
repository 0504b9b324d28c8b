// Istio's Headers: what to do to the headers of requests and of responses.

export interface HeaderOperations {
  readonly set: Readonly<Record<string, string>>
  readonly add: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

export interface Headers {
  readonly request: HeaderOperations
  readonly response: HeaderOperations
}

export const NO_HEADER_OPERATIONS: HeaderOperations = { set: {}, add: {}, remove: [] }
export const NO_HEADERS: Headers = { request: NO_HEADER_OPERATIONS, response: NO_HEADER_OPERATIONS }
