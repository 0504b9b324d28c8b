// The OpenAPI 3.1 description, made from the operations themselves: it cannot tell of anything else than what is served.
import type { JsonSchema, Operation } from './operation.ts'
import { ERROR_SCHEMA } from './schemas.ts'

export function openApiDocument(operations: readonly Operation[], version: string, server: string): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const item = paths[operation.path] ?? {}
    item[operation.method.toLowerCase()] = describe(operation)
    paths[operation.path] = item
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Weft control plane',
      version,
      description: 'Registry, configuration, certificates and the state of every proxy of one mesh.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: server }],
    tags: [...new Set(operations.map(operation => operation.tag))].map(name => ({ name })),
    paths,
    components: {
      schemas: { Error: ERROR_SCHEMA },
      securitySchemes: { operatorToken: { type: 'http', scheme: 'bearer', description: 'Content of operator.token' } },
    },
  }
}

function describe(operation: Operation): Record<string, unknown> {
  const { answer } = operation
  const content = answer.schema ? { content: { 'application/json': { schema: answer.schema } } } : {}
  return {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description ? { description: operation.description } : {}),
    ...(operation.operatorOnly ? { security: [{ operatorToken: [] }] } : {}),
    ...(operation.parameters ? { parameters: operation.parameters } : {}),
    ...(operation.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: operation.body.schema, example: operation.body.example } },
          },
        }
      : {}),
    responses: { [answer.status]: { description: answer.description, ...content }, ...errorResponses(operation) },
  }
}

function errorResponses(operation: Operation): Record<string, unknown> {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
  const responses: Record<string, unknown> = { default: { description: 'Any other error.', content } }
  for (const [status, description] of Object.entries(operation.errors ?? {}))
    responses[status] = { description, content }
  return responses
}
