// Everything that one proxy is told.
import type { ProxyNode } from '../../model/proxy-node.ts'
import type { ProxyResources } from '../../model/proxy-resources.ts'
import type { LinkedMesh } from '../link/linked-mesh.ts'

export function emit(_mesh: LinkedMesh, _node: ProxyNode): ProxyResources {
  return { listeners: [], routes: [], clusters: [], endpoints: [] }
}
