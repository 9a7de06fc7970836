// Decides what a placeholder may be replaced with on this node, when the agent renders a network itself. One GET per ask.
import { z } from 'zod'
import { PlexusError } from '#api/errors'
import { stringMap } from '#api/kinds/meta'
import type { RenderFacts } from '#api/render'
import type { KubeReader } from '#kube/client'
import type { Resource } from '#kube/resource'

const wire = z.object({ metadata: z.object({ name: z.string(), labels: stringMap.default({}), annotations: stringMap.default({}) }) })

const nodes: Resource<z.infer<typeof wire>> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  parse: (value) => wire.parse(value),
}

/** Answers the node's name, labels and annotations as they are now, and the profile's parameters. */
export function openNodeFacts(options: {
  readonly client: Pick<KubeReader, 'get'>
  readonly nodeName: string
  readonly parameters: () => Readonly<Record<string, string>>
}): (signal: AbortSignal) => Promise<RenderFacts> {
  const { client, nodeName, parameters } = options
  return async (signal) => {
    const node = await client.get(nodes, { name: nodeName }, { signal, deadlineMs: 1000 })
    if (node === undefined) throw new PlexusError('TryAgainLater', `node ${nodeName} does not exist on the API server; check --node-name`)
    const { name, labels, annotations } = node.metadata
    return { node: { name, labels, annotations }, profileParameters: parameters() }
  }
}
