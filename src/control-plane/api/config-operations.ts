// Operations on the config store and its revisions.
import type { Clock } from '../../base/clock.ts'
import type { SourceText } from '../../model/source-text.ts'
import { type ProxyStatuses, waitForPropagation } from '../status/propagation.ts'
import type { ConfigEditor, EditOutcome } from '../store/config-editor.ts'
import type { ConfigStore } from '../store/config-store.ts'
import type { ObjectKey, Revision, RevisionChange, StoredObject } from '../store/stored-object.ts'
import { ApiError } from './api-error.ts'
import { isoTime, NAMESPACE_SCHEMA, type Operation, type OperationRequest, ok, type Parameter } from './operation.ts'
import { CHANGE_SCHEMA, EDIT_ANSWER, list, OBJECT_KEY, object, record } from './schemas.ts'

export interface ConfigOperationParts {
  readonly store: ConfigStore
  readonly editor: ConfigEditor
  readonly proxies: ProxyStatuses
  readonly clock: Clock
}

interface ApplyBody {
  readonly documents: readonly SourceText[]
  readonly namespace?: string
  readonly dryRun?: boolean
  readonly message?: string
}

const MAX_WAIT_MS = 60_000
const ROUTE_EXAMPLE = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
  - route:
    - destination: { host: reviews, subset: v1 }
`
const APPLY_BODY = object(
  {
    documents: list(
      object(
        {
          file: { type: 'string', maxLength: 4096, description: 'As its writer knows it; problems name it.' },
          text: { type: 'string', description: 'YAML or JSON, any number of documents.' },
        },
        ['file', 'text'],
      ),
      10_000,
    ),
    namespace: { ...NAMESPACE_SCHEMA, description: 'For objects that name none; absent: default.' },
    dryRun: { type: 'boolean', description: 'Look at everything, change nothing.' },
    message: { type: 'string', maxLength: 500, description: 'One line for the history.' },
  },
  ['documents'],
)
const NUMBER: Parameter = {
  name: 'revision',
  in: 'path',
  description: 'Number of the revision.',
  schema: { type: 'string', pattern: '^[0-9]{1,15}$' },
  required: true,
}
const NO_REVISION = { 404: 'No such revision.' }

export function configOperations(parts: ConfigOperationParts): readonly Operation[] {
  return [...objectOperations(parts), ...revisionOperations(parts)]
}

function objectOperations({ store, editor }: ConfigOperationParts): readonly Operation[] {
  const filter = (name: string): Parameter => ({
    name,
    in: 'query',
    description: `Only objects of this ${name}.`,
    schema: { type: 'string', maxLength: 253 },
  })
  return [
    {
      id: 'listConfig',
      method: 'GET',
      path: '/v1/config',
      tag: 'Config',
      summary: 'List the objects of the config',
      parameters: [filter('kind'), filter('namespace'), filter('name')],
      answer: {
        status: 200,
        description: 'Objects, and who wrote each last.',
        schema: record({ objects: list(record({})) }),
      },
      examplePath: '/v1/config?kind=VirtualService',
      handle: ({ query }) =>
        ok({
          objects: store
            .objects()
            .filter(one => matches(one, query))
            .map(describeObject),
        }),
    },
    {
      id: 'applyConfig',
      method: 'POST',
      path: '/v1/config/apply',
      tag: 'Config',
      summary: 'Apply documents, all or none',
      description: 'One new revision, or none where nothing changes. With any error nothing is changed.',
      body: {
        schema: APPLY_BODY,
        example: { documents: [{ file: 'reviews.yaml', text: ROUTE_EXAMPLE }] },
      },
      answer: { status: 200, description: 'What changed.', schema: EDIT_ANSWER },
      errors: { 422: 'Every problem of every document; nothing was changed.' },
      handle: ({ body }) => {
        const { documents, namespace = 'default', dryRun = false, message } = body as ApplyBody
        const named = message === undefined ? {} : { message }
        return editAnswer(editor.apply({ documents, namespace, dryRun, ...named }))
      },
    },
    {
      id: 'deleteConfig',
      method: 'POST',
      path: '/v1/config/delete',
      tag: 'Config',
      summary: 'Delete objects, all or none',
      body: {
        schema: object({ objects: list(OBJECT_KEY) }, ['objects']),
        example: { objects: [{ kind: 'VirtualService', namespace: 'default', name: 'reviews' }] },
      },
      answer: { status: 200, description: 'What changed.', schema: EDIT_ANSWER },
      errors: { 404: 'An object is not there; nothing was changed.' },
      handle: ({ body }) => {
        const outcome = editor.delete((body as { objects: readonly ObjectKey[] }).objects)
        if (!outcome.accepted) throw new ApiError(404, 'WEFT-2002', 'no such object', outcome.problems)
        return editAnswer(outcome)
      },
    },
  ]
}

function revisionOperations({ store, editor, proxies, clock }: ConfigOperationParts): readonly Operation[] {
  const base = { tag: 'Revisions', parameters: [NUMBER], errors: NO_REVISION } as const
  return [
    {
      id: 'listRevisions',
      method: 'GET',
      path: '/v1/revisions',
      tag: 'Revisions',
      summary: 'List the revisions, newest first',
      answer: { status: 200, description: 'The last 1000.', schema: record({ revisions: list(record({})) }) },
      handle: () => ok({ revisions: store.history().map(revision => describeRevision(revision, false)) }),
    },
    {
      ...base,
      id: 'getRevision',
      method: 'GET',
      path: '/v1/revisions/{revision}',
      summary: 'Get a revision with the texts before and after',
      answer: { status: 200, description: 'The revision.', schema: record({ changes: list(CHANGE_SCHEMA) }) },
      examplePath: '/v1/revisions/1',
      handle: request => {
        const revision = store.revisionAt(numberOf(request))
        if (!revision) throw noSuchRevision(request)
        return ok(describeRevision(revision, true))
      },
    },
    {
      ...base,
      id: 'rollback',
      method: 'POST',
      path: '/v1/revisions/{revision}/rollback',
      summary: 'Restore the state of a revision',
      description: 'Makes a new revision with the config as it was after the given one; 0 is the empty config.',
      answer: { status: 200, description: 'What changed.', schema: EDIT_ANSWER },
      examplePath: '/v1/revisions/1/rollback',
      handle: request => {
        const outcome = editor.rollback(numberOf(request))
        if (!outcome) throw noSuchRevision(request)
        return editAnswer(outcome)
      },
    },
    {
      ...base,
      id: 'getPropagation',
      method: 'GET',
      path: '/v1/revisions/{revision}/propagation',
      summary: 'See how far a revision has come',
      parameters: [
        NUMBER,
        {
          name: 'waitMs',
          in: 'query',
          description: `Answer once every proxy has it, or after so many milliseconds (at most ${MAX_WAIT_MS}).`,
          schema: { type: 'string', pattern: '^[0-9]{1,6}$' },
        },
      ],
      answer: {
        status: 200,
        description: 'Each connected proxy: acked, pending or nacked.',
        schema: record({ revision: { type: 'integer' }, done: { type: 'boolean' }, proxies: list(record({})) }),
      },
      examplePath: '/v1/revisions/1/propagation?waitMs=5000',
      handle: async request => {
        const number = numberOf(request)
        if (number > store.revision) throw noSuchRevision(request)
        const waitMs = Math.min(Number(request.query['waitMs'] ?? 0), MAX_WAIT_MS)
        return ok(await waitForPropagation(number, proxies, clock, waitMs))
      },
    },
  ]
}

function numberOf({ path }: OperationRequest): number {
  return Number(path['revision'])
}

function noSuchRevision(request: OperationRequest): ApiError {
  return new ApiError(404, 'WEFT-2003', `no revision ${numberOf(request)}`)
}

function matches(one: StoredObject, query: OperationRequest['query']): boolean {
  const { kind = one.kind, namespace = one.namespace, name = one.name } = query
  return kind.toLowerCase() === one.kind.toLowerCase() && namespace === one.namespace && name === one.name
}

function editAnswer(outcome: EditOutcome) {
  if (!outcome.accepted) {
    const count = outcome.problems.filter(problem => problem.severity === 'error').length
    const message = `${count} ${count === 1 ? 'error' : 'errors'}; nothing was changed`
    throw new ApiError(422, 'WEFT-2004', message, outcome.problems)
  }
  const changes = outcome.changes.map(change => describeChange(change, false))
  return ok({ revision: outcome.revision, changes, problems: outcome.problems })
}

function describeObject(one: StoredObject): Record<string, unknown> {
  const { kind, apiVersion, namespace, name, revision, source, file, updatedAt, text } = one
  return { kind, apiVersion, namespace, name, revision, source, file, updatedAt: isoTime(updatedAt), text }
}

function describeChange(change: RevisionChange, withTexts: boolean): Record<string, unknown> {
  const { action, kind, namespace, name } = change
  const texts = { before: change.before?.text ?? null, after: change.after?.text ?? null }
  return { action, kind, namespace, name, ...(withTexts ? texts : {}) }
}

function describeRevision(revision: Revision, withTexts: boolean): Record<string, unknown> {
  const { number, at, source, message, changes } = revision
  const described = changes.map(change => describeChange(change, withTexts))
  return { revision: number, at: isoTime(at), source, message, changes: described }
}
