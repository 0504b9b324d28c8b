// One operation of the API, from which its route, its validation and both forms of its documentation are made.

/** JSON Schema 2020-12, as far as OpenAPI 3.1 and ajv agree. */
export type JsonSchema = Readonly<Record<string, unknown>>

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly description: string
  readonly schema: JsonSchema
  readonly required?: boolean
}

export interface OperationRequest {
  /** Decoded and validated. */
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | undefined>>
  readonly body: unknown
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  /** JSON unless set. */
  readonly contentType?: string
}

export interface Operation {
  readonly id: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** In OpenAPI's form: `/v1/services/{namespace}/{name}`. */
  readonly path: string
  readonly tag: string
  /** A few words. */
  readonly summary: string
  /** A few sentences, where the summary does not say it all. */
  readonly description?: string
  readonly operatorOnly?: boolean
  readonly parameters?: readonly Parameter[]
  readonly body?: { readonly schema: JsonSchema; readonly example: unknown }
  /** The successful answer. */
  readonly answer: { readonly status: number; readonly description: string; readonly schema?: JsonSchema }
  /** Errors that are its own, by status. */
  readonly errors?: Readonly<Record<number, string>>
  /** Path, with query, of the example request. */
  readonly examplePath?: string
  readonly handle: (request: OperationRequest) => Answer | Promise<Answer>
}

const NAME: JsonSchema = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$' }
const NAMESPACE: JsonSchema = { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }

/** Kubernetes' rules: a name is a DNS subdomain, a namespace a DNS label. */
export const NAME_SCHEMA = NAME
export const NAMESPACE_SCHEMA = NAMESPACE

export function namedParameters(what: string): readonly Parameter[] {
  return [
    { name: 'namespace', in: 'path', description: `Namespace of the ${what}.`, schema: NAMESPACE, required: true },
    { name: 'name', in: 'path', description: `Name of the ${what}.`, schema: NAME, required: true },
  ]
}

export function ok(body: unknown): Answer {
  return { status: 200, body }
}

/** Milliseconds since the epoch, as the API writes times. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
