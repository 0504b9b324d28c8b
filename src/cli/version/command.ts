// weft version: of this program, and of the mesh where one runs.
import { Command } from 'commander'
import type { MeshAnswer, ProxyStatus } from '../client/api-answer.ts'
import { addMeshOptions, connectToMesh, type MeshOptions } from '../client/mesh-location.ts'
import { programVersion } from '../client/program-version.ts'
import type { CliContext } from '../contract/cli-context.ts'
import { type OutputForm, outputOption, printData } from '../output/print-data.ts'

interface VersionOptions extends MeshOptions {
  readonly remote: boolean
  readonly output: OutputForm
}

interface Versions {
  readonly client: string
  readonly node: string
  readonly controlPlane?: string
  readonly dataPlane?: Readonly<Record<string, number>>
}

export function versionCommand(context: CliContext): Command {
  const command = new Command('version')
    .description('Print the version of this program, and of the control plane and the proxies where a mesh runs.')
    .option('--no-remote', 'of this program only')
    .addOption(outputOption())
  return addMeshOptions(command)
    .addHelpText('after', '\nExample:\n  weft version -o json')
    .action(async (options: VersionOptions) => {
      const versions = {
        client: programVersion(),
        node: process.version,
        ...(options.remote ? await remote(context, options) : {}),
      }
      if (options.output === 'table') context.stdout(formatVersions(versions))
      else printData(context, options.output, versions, () => ({ header: [], rows: [], none: '' }))
    })
}

/** Nothing, where no mesh answers and none was named: the program's own version is an answer too. */
async function remote(context: CliContext, options: MeshOptions): Promise<Partial<Versions>> {
  try {
    const api = connectToMesh(context, options)
    const mesh = await api.get<MeshAnswer>('/v1/mesh')
    const { proxies } = await api.get<{ proxies: readonly ProxyStatus[] }>('/v1/proxies')
    const dataPlane: Record<string, number> = {}
    for (const proxy of proxies) dataPlane[proxy.version] = (dataPlane[proxy.version] ?? 0) + 1
    return { controlPlane: mesh.version, dataPlane }
  } catch (error) {
    if (options.server !== undefined) throw error
    return {}
  }
}

function formatVersions(versions: Versions): string {
  const lines = [`client version: ${versions.client} (Node ${versions.node})`]
  if (versions.controlPlane !== undefined) lines.push(`control plane version: ${versions.controlPlane}`)
  const proxies = Object.entries(versions.dataPlane ?? {})
  if (proxies.length > 0) {
    const counts = proxies.map(([version, count]) => `${version} (${count} ${count === 1 ? 'proxy' : 'proxies'})`)
    lines.push(`data plane version: ${counts.join(', ')}`)
  }
  return `${lines.join('\n')}\n`
}
