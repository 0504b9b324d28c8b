// The shapes that several operations of the API take and give.
import { PORT_PROTOCOLS } from '../../model/port-protocol.ts'
import { OWN_PROBE_FIELDS } from '../../model/workload-group.ts'
import { type JsonSchema, NAME_SCHEMA, NAMESPACE_SCHEMA } from './operation.ts'

const text = (description: string, maxLength = 1024): JsonSchema => ({ type: 'string', maxLength, description })
const port = (description: string): JsonSchema => ({ type: 'integer', minimum: 1, maximum: 65_535, description })
const address = (description: string): JsonSchema => ({
  type: 'string',
  pattern: '^[0-9A-Za-z._:%-]{1,253}$',
  description,
})
const strings = (description: string): JsonSchema => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string', maxLength: 1024 },
  maxProperties: 100,
})

export function object(
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
  description?: string,
): JsonSchema {
  const described = description === undefined ? {} : { description }
  return { type: 'object', ...described, properties, required: [...required], additionalProperties: false }
}

export function list(items: JsonSchema, maxItems = 10_000): JsonSchema {
  return { type: 'array', items, maxItems }
}

/** Of answers: which further fields there are is left open. */
export function record(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', properties }
}

export const PROBLEM_SCHEMA: JsonSchema = record({
  code: { type: 'string', examples: ['WEFT-1003'] },
  severity: { enum: ['error', 'warning', 'info'] },
  message: { type: 'string' },
  object: { type: 'string' },
  path: { type: 'string' },
  position: record({ file: { type: 'string' }, line: { type: 'integer' }, column: { type: 'integer' } }),
  hint: { type: 'string' },
})

export const ERROR_SCHEMA: JsonSchema = record({
  error: record({
    code: { type: 'string', examples: ['WEFT-2004'] },
    message: { type: 'string' },
    problems: list(PROBLEM_SCHEMA),
  }),
})

export const SERVICE_BODY: JsonSchema = object(
  {
    name: NAME_SCHEMA,
    namespace: NAMESPACE_SCHEMA,
    description: text('For people.'),
    version: text('For people; instances carry their own.', 253),
    labels: strings('Labels of the service.'),
    ports: list(
      object(
        {
          name: text('Unique in the service; `http-admin` says what the port speaks.', 63),
          number: port('The port that clients name.'),
          targetPort: {
            description: "The instance's port, by number or name; absent: `number`.",
            type: ['integer', 'string'],
          },
          protocol: { enum: [...PORT_PROTOCOLS], description: 'Absent: what the name says, else HTTP.' },
        },
        ['name', 'number'],
      ),
      100,
    ),
  },
  ['ports'],
)

const LOCALITY = object({ region: text('', 253), zone: text('', 253), subZone: text('', 253) }, [
  'region',
  'zone',
  'subZone',
])

const HEALTH_CHECK = object(
  {
    http: object(
      {
        path: {
          type: 'string',
          pattern: '^/[!-~]*$',
          maxLength: 1024,
          description: 'Answered with 2xx or 3xx when healthy.',
        },
        port: port("The workload's own port; absent: its first."),
        tls: { type: 'boolean', description: 'Over TLS; the certificate is not checked.' },
        headers: list(
          object(
            {
              name: {
                type: 'string',
                pattern: "^[!#$%&'*+.^_`|~0-9a-z-]+$",
                not: { enum: OWN_PROBE_FIELDS },
                maxLength: 256,
              },
              value: { type: 'string', pattern: '^[\\t -~]*$', maxLength: 1024 },
            },
            ['name', 'value'],
          ),
          100,
        ),
      },
      ['path'],
    ),
    tcp: object({ port: port("The workload's own port; absent: its first.") }),
    grpc: object({
      service: text('Whose health is asked for; absent: that of the server as a whole.', 127),
      port: port("The workload's own port; absent: its first."),
    }),
    intervalMs: { type: 'integer', minimum: 100, maximum: 86_400_000, default: 1000 },
    timeoutMs: { type: 'integer', minimum: 10, maximum: 3_600_000, default: 1000 },
    healthyThreshold: { type: 'integer', minimum: 1, maximum: 100, default: 1 },
    unhealthyThreshold: { type: 'integer', minimum: 1, maximum: 100, default: 2 },
  },
  [],
  'Without one, an instance is healthy while its lease lasts. An interval over a minute starts with a wait.',
)

const PROXY = {
  ...object(
    {
      kind: { enum: ['sidecar', 'router'] },
      bindAddress: address('Address that its listeners bind.'),
      httpProxyPort: port("Where the application's HTTP_PROXY points."),
      hbonePort: port('Where the workload is reached by HBONE; absent: nowhere.'),
      gatewayPorts: {
        type: 'object',
        additionalProperties: { type: 'integer', minimum: 0, maximum: 65_535 },
        maxProperties: 100,
        description: 'Bound port for each port that a Gateway asks for.',
      },
      adminPort: port('Where its admin interface listens.'),
    },
    ['kind', 'bindAddress'],
    'The proxy beside the workload; null or absent: none.',
  ),
  type: ['object', 'null'],
}

export const INSTANCE_BODY: JsonSchema = object(
  {
    name: NAME_SCHEMA,
    namespace: NAMESPACE_SCHEMA,
    service: text('Registry service that it belongs to by name; Kubernetes Services select by label.', 253),
    version: text('For people.', 253),
    group: {
      ...NAME_SCHEMA,
      description: "WorkloadGroup that it is of; its ports have the names of the services' ports.",
    },
    description: text('For people.'),
    labels: strings('What selectors and subsets look at.'),
    serviceAccount: { ...NAME_SCHEMA, default: 'default' },
    address: address('Where peers reach it: IP address or host name.'),
    applicationAddress: address('Where the application listens; absent: `address`.'),
    ports: list(
      object(
        {
          name: text('', 63),
          number: port("The workload's own port."),
          applicationPort: port('Where the application really listens; absent: `number`.'),
          inboundPort: port('Where peers reach it; absent: `applicationPort`.'),
        },
        ['name', 'number'],
      ),
      100,
    ),
    locality: LOCALITY,
    weight: { type: 'integer', minimum: 1, maximum: 1_000_000, default: 1 },
    tlsMode: { enum: ['istio', 'disabled'], description: 'Absent: istio with a proxy, disabled without.' },
    proxy: PROXY,
    healthCheck: HEALTH_CHECK,
    leaseSeconds: { type: 'number', minimum: 1, maximum: 3600, default: 2 },
  },
  ['address', 'ports'],
)

export const OBJECT_KEY: JsonSchema = object({ kind: text('', 63), namespace: NAMESPACE_SCHEMA, name: NAME_SCHEMA }, [
  'kind',
  'namespace',
  'name',
])

export const CHANGE_SCHEMA: JsonSchema = record({
  action: { enum: ['created', 'configured', 'unchanged', 'deleted'] },
  kind: { type: 'string' },
  namespace: { type: 'string' },
  name: { type: 'string' },
})

export const EDIT_ANSWER: JsonSchema = record({
  revision: { type: 'integer' },
  changes: list(CHANGE_SCHEMA),
  problems: list(PROBLEM_SCHEMA),
})
