// The root of the API: every operation on one readable page, without script or anything fetched from elsewhere.
import { createHash } from 'node:crypto'
import type { Operation, Parameter } from './operation.ts'

export interface ReferencePage {
  readonly html: string
  /** Content-Security-Policy under which it works: its one style sheet by hash, and nothing else. */
  readonly policy: string
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2733; --soft: #5b6b7b; --line: #dde3ea; --card: #fff; --page: #f5f7f9; --code: #f0f3f6; --accent: #0b6e8a }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa9b8; --line: #2c3845; --card: #17202a; --page: #10171e; --code: #0d141b; --accent: #5cc4de } }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--page) }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.2rem }
a { color: var(--accent) }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 0 }
.lead, .note { color: var(--soft) }
.lead { margin: .35rem 0 0 }
details { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; margin: .5rem 0; overflow: hidden }
summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: .35rem .75rem; padding: .65rem .9rem; cursor: pointer; list-style: none }
summary::-webkit-details-marker { display: none }
summary:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px }
.method { font: 700 .75rem/1 ui-monospace, monospace; width: 3.6rem; padding: .3rem 0; border-radius: .3rem; text-align: center; color: #fff; background: #2f6f4f }
.PUT { background: #8a5a0b } .POST { background: #0b5c8a } .DELETE { background: #99323a }
.path { font: 600 .92rem ui-monospace, monospace; overflow-wrap: anywhere }
.says { color: var(--soft); margin-left: auto }
.more { padding: 0 .9rem .9rem; border-top: 1px solid var(--line) }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 }
pre { background: var(--code); padding: .75rem .9rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem; line-height: 1.45 }
code { font-family: ui-monospace, monospace }
`

export function referencePage(operations: readonly Operation[], version: string, server: string): ReferencePage {
  const tags = [...new Set(operations.map(operation => operation.tag))]
  const sections = tags.map(tag => {
    const own = operations.filter(operation => operation.tag === tag)
    return `<h2 id="${escapeHtml(tag)}">${escapeHtml(tag)}</h2>${own.map(one => card(one, server)).join('')}`
  })
  const links = tags.map(tag => `<a href="#${escapeHtml(tag)}">${escapeHtml(tag)}</a>`).join('')
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weft control plane: API</title><style>${STYLE}</style></head><body><main>
<h1>Weft control plane</h1>
<p class="lead">Version ${escapeHtml(version)}, at <code>${escapeHtml(server)}</code>. JSON in, JSON out; the same as <a href="/openapi.json">OpenAPI 3.1</a>, figures at <a href="/metrics">/metrics</a>.</p>
<nav>${links}</nav>
${sections.join('\n')}
<h2 id="Errors">Errors</h2>
<p>An error answers with its status and <code>{ "error": { "code": "WEFT-2nnn", "message": "…", "problems": […] } }</code>; each problem names file, line, column and path where it has them. Bodies may have 8 MiB.</p>
</main></body></html>
`
  const hash = createHash('sha256').update(STYLE).digest('base64')
  return {
    html,
    policy: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  }
}

function card(operation: Operation, server: string): string {
  const { method, path, summary, description, parameters = [], body, answer, errors = {} } = operation
  const notes = [description, operation.operatorOnly ? 'Needs the operator token.' : undefined]
    .filter(Boolean)
    .join(' ')
  const outcomes = [[answer.status, answer.description] as const, ...Object.entries(errors)]
  return `<details><summary><span class="method ${method}">${method}</span><span class="path">${escapeHtml(path)}</span><span class="says">${escapeHtml(summary)}</span></summary><div class="more">
${notes ? `<p>${escapeHtml(notes)}</p>` : ''}${parameterTable(parameters)}${body ? bodyTable(body.schema) : ''}
<table><tr><th>Answer</th><th></th></tr>${outcomes.map(([status, says]) => `<tr><td><code>${status}</code></td><td>${escapeHtml(says)}</td></tr>`).join('')}</table>
<pre><code>${escapeHtml(curlExample(operation, server))}</code></pre></div></details>`
}

function parameterTable(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(
    one =>
      `<tr><td><code>${escapeHtml(one.name)}</code></td><td>${one.in}</td><td>${escapeHtml(one.description)}</td></tr>`,
  )
  return `<table><tr><th>Parameter</th><th>In</th><th></th></tr>${rows.join('')}</table>`
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, { readonly description?: string; readonly type?: string | string[] }>>
  readonly required?: readonly string[]
}

function bodyTable(schema: ObjectSchema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const needed = schema.required?.includes(name) ? 'required' : ''
    return `<tr><td><code>${escapeHtml(name)}</code></td><td>${needed}</td><td>${escapeHtml(field.description ?? '')}</td></tr>`
  })
  return `<table><tr><th>Body</th><th></th><th></th></tr>${rows.join('')}</table>`
}

export function curlExample(operation: Operation, server: string): string {
  const { method, body, operatorOnly } = operation
  const parts = [
    `curl -s${method === 'GET' ? '' : ` -X ${method}`} '${server}${operation.examplePath ?? operation.path}'`,
  ]
  if (operatorOnly) parts.push('-H "authorization: Bearer $(cat .weft/operator.token)"')
  if (body) parts.push(`-H 'content-type: application/json'`, `-d '${JSON.stringify(body.example, null, 2)}'`)
  return parts.join(' \\\n  ')
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
