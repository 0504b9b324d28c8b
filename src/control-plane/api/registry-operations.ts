// Operations on services and instances.
import { NO_LOCALITY } from '../../model/locality.ts'
import type { RegistryService } from '../../model/registry-service.ts'
import type { Workload, WorkloadPort } from '../../model/workload.ts'
import { DEFAULT_HEALTH_CHECK, type HealthCheckConfig } from '../registry/health-check-config.ts'
import {
  type InstanceKey,
  type InstanceRegistration,
  type RegisteredInstance,
  workloadOf,
} from '../registry/instance.ts'
import type { Registry } from '../registry/registry.ts'
import { ApiError } from './api-error.ts'
import { namedParameters, type Operation, type OperationRequest, ok } from './operation.ts'
import { INSTANCE_BODY, list, record, SERVICE_BODY } from './schemas.ts'

type InstanceBody = Partial<Omit<Workload, 'ports' | 'healthy' | 'address'>> & {
  readonly address: string
  readonly ports: readonly (Pick<WorkloadPort, 'name' | 'number'> & Partial<WorkloadPort>)[]
  readonly healthCheck?: Partial<HealthCheckConfig>
  readonly leaseSeconds?: number
}

const SERVICE_EXAMPLE = { description: 'Book reviews', ports: [{ name: 'http', number: 9080 }] }
const INSTANCE_EXAMPLE = {
  service: 'reviews',
  version: 'v1',
  labels: { app: 'reviews', version: 'v1' },
  serviceAccount: 'bookinfo-reviews',
  address: '127.0.0.1',
  ports: [{ name: 'http', number: 9080, applicationPort: 41001, inboundPort: 41002 }],
  healthCheck: { http: { path: '/health' } },
}

export function registryOperations(registry: Registry): readonly Operation[] {
  return [...serviceOperations(registry), ...instanceOperations(registry)]
}

function serviceOperations(registry: Registry): readonly Operation[] {
  const parameters = namedParameters('service')
  const errors = { 404: 'No such service.' }
  const schema = record({ service: SERVICE_BODY })
  const base = { path: '/v1/services/{namespace}/{name}', tag: 'Services', parameters } as const
  const examplePath = '/v1/services/default/reviews'
  return [
    {
      id: 'listServices',
      method: 'GET',
      path: '/v1/services',
      tag: 'Services',
      summary: 'List the services',
      answer: { status: 200, description: 'All services.', schema: record({ services: list(SERVICE_BODY) }) },
      handle: () => ok({ services: registry.services() }),
    },
    {
      ...base,
      id: 'getService',
      method: 'GET',
      summary: 'Get a service',
      answer: { status: 200, description: 'The service.', schema },
      errors,
      examplePath,
      handle: request => {
        const service = registry.service(keyOf(request))
        if (!service) throw notFound('service', request)
        return ok({ service })
      },
    },
    {
      ...base,
      id: 'putService',
      method: 'PUT',
      summary: 'Register or replace a service',
      body: { schema: SERVICE_BODY, example: SERVICE_EXAMPLE },
      answer: { status: 200, description: 'The service as it now is.', schema },
      examplePath,
      handle: request => {
        const service = toService(request)
        registry.putService(service)
        return ok({ service })
      },
    },
    {
      ...base,
      id: 'deleteService',
      method: 'DELETE',
      summary: 'Remove a service',
      answer: { status: 204, description: 'It is gone.' },
      errors,
      examplePath,
      handle: request => {
        if (!registry.deleteService(keyOf(request))) throw notFound('service', request)
        return { status: 204 }
      },
    },
  ]
}

function instanceOperations(registry: Registry): readonly Operation[] {
  const parameters = namedParameters('instance')
  const errors = { 404: 'No such instance: register it (again).' }
  const schema = record({ instance: INSTANCE_BODY, lease: record({ seconds: { type: 'number' } }) })
  const base = { path: '/v1/instances/{namespace}/{name}', tag: 'Instances', parameters } as const
  const examplePath = '/v1/instances/default/reviews-v1-0'
  return [
    {
      id: 'listInstances',
      method: 'GET',
      path: '/v1/instances',
      tag: 'Instances',
      summary: 'List the instances',
      answer: { status: 200, description: 'All leased instances.', schema: record({ instances: list(INSTANCE_BODY) }) },
      handle: () => ok({ instances: registry.instances().map(describeInstance) }),
    },
    {
      ...base,
      id: 'getInstance',
      method: 'GET',
      summary: 'Get an instance',
      answer: { status: 200, description: 'The instance, and whether it is healthy.', schema },
      errors,
      examplePath,
      handle: request => {
        const instance = registry.instance(keyOf(request))
        if (!instance) throw notFound('instance', request)
        return ok(withLease(instance))
      },
    },
    {
      ...base,
      id: 'putInstance',
      method: 'PUT',
      summary: 'Register or replace an instance',
      description: 'Grants a lease, which the instance must renew; without a renewal it leaves routing and registry.',
      body: { schema: INSTANCE_BODY, example: INSTANCE_EXAMPLE },
      answer: { status: 200, description: 'The instance as it now is, and its lease.', schema },
      examplePath,
      handle: request => ok(withLease(registry.register(toRegistration(request)))),
    },
    {
      ...base,
      id: 'renewInstance',
      method: 'POST',
      path: '/v1/instances/{namespace}/{name}/renew',
      summary: 'Renew the lease of an instance',
      answer: { status: 204, description: 'The lease runs anew.' },
      errors,
      examplePath: `${examplePath}/renew`,
      handle: request => {
        if (!registry.renew(keyOf(request))) throw notFound('instance', request)
        return { status: 204 }
      },
    },
    {
      ...base,
      id: 'deleteInstance',
      method: 'DELETE',
      summary: 'Deregister an instance',
      answer: { status: 204, description: 'It is out of routing.' },
      errors,
      examplePath,
      handle: request => {
        if (!registry.deregister(keyOf(request))) throw notFound('instance', request)
        return { status: 204 }
      },
    },
  ]
}

function keyOf({ path }: OperationRequest): InstanceKey {
  return { namespace: path['namespace'] ?? '', name: path['name'] ?? '' }
}

function notFound(what: string, request: OperationRequest): ApiError {
  const { namespace, name } = keyOf(request)
  return new ApiError(404, 'WEFT-2008', `no ${what} ${namespace}/${name}`)
}

/** The path names it; a body that names something else is a mistake. */
function checkedKey(request: OperationRequest, body: Partial<InstanceKey>): InstanceKey {
  const key = keyOf(request)
  if ((body.name ?? key.name) !== key.name || (body.namespace ?? key.namespace) !== key.namespace)
    throw new ApiError(400, 'WEFT-2005', 'the name in the body is not the name in the path')
  return key
}

function toService(request: OperationRequest): RegistryService {
  const body = request.body as Partial<RegistryService> & Pick<RegistryService, 'ports'>
  const { namespace, name } = checkedKey(request, body)
  const { description = '', version = '', labels = {}, ports } = body
  return { name, namespace, description, version, labels, ports }
}

function toRegistration(request: OperationRequest): InstanceRegistration {
  const body = request.body as InstanceBody
  const { address, proxy = null } = body
  const workload: Omit<Workload, 'healthy'> = {
    ...checkedKey(request, body),
    service: body.service ?? '',
    version: body.version ?? '',
    ...(body.group === undefined ? {} : { group: body.group }),
    description: body.description ?? '',
    labels: body.labels ?? {},
    serviceAccount: body.serviceAccount ?? 'default',
    address,
    applicationAddress: body.applicationAddress ?? address,
    ports: body.ports.map(port => {
      const applicationPort = port.applicationPort ?? port.number
      return { name: port.name, number: port.number, applicationPort, inboundPort: port.inboundPort ?? applicationPort }
    }),
    locality: body.locality ?? NO_LOCALITY,
    weight: body.weight ?? 1,
    tlsMode: body.tlsMode ?? (proxy === null ? 'disabled' : 'istio'),
    proxy,
  }
  const healthCheck = body.healthCheck ? { ...DEFAULT_HEALTH_CHECK, ...body.healthCheck } : null
  return { workload, healthCheck, leaseSeconds: body.leaseSeconds ?? 2 }
}

function describeInstance(instance: RegisteredInstance): Record<string, unknown> {
  return { ...workloadOf(instance), healthCheck: instance.healthCheck, healthDetail: instance.healthDetail }
}

function withLease(instance: RegisteredInstance): Record<string, unknown> {
  return { instance: describeInstance(instance), lease: { seconds: instance.leaseSeconds } }
}
