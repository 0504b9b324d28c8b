// The REST API on fastify: one table of operations becomes routes, validation and documentation.
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Log } from '../../base/log.ts'
import type { Problem } from '../../base/problem.ts'
import { bearsToken } from '../ca/operator-token.ts'
import type { Metrics } from '../status/metrics.ts'
import { ApiError, errorBody } from './api-error.ts'
import { refusalOf } from './host-guard.ts'
import { openApiDocument } from './open-api.ts'
import type { JsonSchema, Operation } from './operation.ts'
import { referencePage } from './reference-page.ts'

export interface ApiServerOptions {
  readonly operations: readonly Operation[]
  readonly operatorToken: string
  readonly version: string
  readonly metrics: Metrics
  readonly log: Log
}

export interface ApiServer {
  /** `http://127.0.0.1:15014` */
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

const ADDRESS = '127.0.0.1'
const BODY_LIMIT = 8 * 1024 * 1024
/** Of a DNS subdomain, which a name is; fastify's own bound is 100. */
const MAX_NAME_LENGTH = 253
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** Rejects with the system's error when the port cannot be bound. */
export async function openApiServer(options: ApiServerOptions, port: number): Promise<ApiServer> {
  const server = fastify({
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    requestTimeout: 120_000,
    routerOptions: { maxParamLength: MAX_NAME_LENGTH },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, allErrors: true, strict: false } },
  })
  guard(server, options)
  for (const operation of options.operations) addRoute(server, operation)
  const reached = (): string => `http://${ADDRESS}:${addressPort(server)}`
  addDocumentation(server, options, reached)
  await server.listen({ host: ADDRESS, port })
  return { address: reached(), port: addressPort(server), close: () => server.close() }
}

function addressPort(server: FastifyInstance): number {
  const address = server.server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

function guard(server: FastifyInstance, { operations, operatorToken, log }: ApiServerOptions): void {
  const guarded = new Set(operations.filter(one => one.operatorOnly).map(one => `${one.method} ${routePath(one.path)}`))
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    const refusal = refusalOf(request.headers)
    if (refusal !== null) throw new ApiError(403, 'WEFT-2007', refusal)
    const isGuarded = guarded.has(`${request.method} ${request.routeOptions.url ?? ''}`)
    if (isGuarded && !bearsToken(request.headers.authorization, operatorToken))
      throw new ApiError(401, 'WEFT-2006', 'this needs the operator token: authorization: Bearer <token>')
  })
  server.setNotFoundHandler((request, reply) => {
    const error = new ApiError(404, 'WEFT-2010', `no operation ${request.method} ${request.url.slice(0, 200)}`)
    return reply.code(404).send(errorBody(error))
  })
  server.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
    const answer = error instanceof ApiError ? error : translateError(error)
    if (answer.status >= 500) log.error('request failed', { path: request.url, why: error.stack ?? error.message })
    return reply.code(answer.status).send(errorBody(answer))
  })
  // An empty JSON body is no body: clients send the header out of habit.
  const parse = server.getDefaultJsonParser('error', 'error')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else parse(request, String(text), done)
  })
}

function addRoute(server: FastifyInstance, operation: Operation): void {
  const schema: Record<string, unknown> = {}
  for (const [where, key] of [
    ['path', 'params'],
    ['query', 'querystring'],
  ] as const) {
    const parameters = (operation.parameters ?? []).filter(parameter => parameter.in === where)
    const properties = Object.fromEntries(parameters.map(parameter => [parameter.name, parameter.schema]))
    schema[key] = { type: 'object', properties, additionalProperties: false } satisfies JsonSchema
  }
  if (operation.body) schema['body'] = operation.body.schema
  server.route({
    method: operation.method,
    url: routePath(operation.path),
    schema,
    handler: async (request, reply) => answer(operation, request, reply),
  })
}

async function answer(operation: Operation, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { status, body, contentType } = await operation.handle({
    path: request.params as Record<string, string>,
    query: request.query as Record<string, string | undefined>,
    body: request.body,
  })
  reply.code(status)
  if (contentType !== undefined) reply.type(contentType)
  return body === undefined ? reply.send() : reply.send(body)
}

function addDocumentation(server: FastifyInstance, options: ApiServerOptions, reached: () => string): void {
  const { operations, version, metrics } = options
  server.get('/openapi.json', async () => openApiDocument(operations, version, reached()))
  server.get('/metrics', async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8')
    return metrics.text()
  })
  server.get('/', async (_request, reply) => {
    const { html, policy } = referencePage(operations, version, reached())
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8')
    return html
  })
}

function routePath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

/** Fastify's own errors in the API's shape. */
function translateError(error: FastifyError): ApiError {
  if (error.validation) {
    const where = error.validationContext ?? 'request'
    const problems = error.validation.map(
      (found): Problem => ({
        code: 'WEFT-2005',
        severity: 'error',
        message: `${found.message ?? 'not valid'}${detailOf(found.params)}`,
        path: `${where}${found.instancePath.replaceAll('/', '.')}`,
      }),
    )
    return new ApiError(400, 'WEFT-2005', 'the request does not fit its schema', problems)
  }
  if (error.statusCode === 413) return new ApiError(413, 'WEFT-2009', 'the body is over 8 MiB')
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new ApiError(error.statusCode, 'WEFT-2005', error.message)
  return new ApiError(500, 'WEFT-2021', 'the control plane failed; its log says why')
}

function detailOf(params: Readonly<Record<string, unknown>>): string {
  const extra = params['additionalProperty']
  return extra === undefined ? '' : `: ${JSON.stringify(extra)}`
}
