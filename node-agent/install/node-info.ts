// Decides what the agent knows of its Node object: who owns the NodeNetwork, and which runtime runs here. Never writes to it.
import { runtimeCniVersion } from '#api/cni/version'
import type { CniVersion } from '#api/cni/version'
import type { KubeReader } from '#kube/client'
import type { Resource } from '#kube/resource'
import { z } from 'zod'

export interface NodeInfo {
  readonly uid: string
  /** For example `containerd://2.2.1`; empty until kubelet has reported it. */
  readonly containerRuntimeVersion: string
}

export interface NodeInfoSource {
  /** undefined until the API server answered once. */
  current(): NodeInfo | undefined
  /** The newest CNI version that the runtime speaks; undefined while the runtime is unknown. */
  cniVersion(): CniVersion | undefined
  /** Asks again; throws when the API server does not answer. */
  refresh(signal: AbortSignal): Promise<void>
}

const node = z.object({
  metadata: z.object({ uid: z.string() }),
  status: z.object({ nodeInfo: z.object({ containerRuntimeVersion: z.string().default('') }).prefault({}) }).prefault({}),
})

const nodes: Resource<NodeInfo> = {
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  namespaced: false,
  parse: (value) => {
    const { metadata, status } = node.parse(value)
    return { uid: metadata.uid, containerRuntimeVersion: status.nodeInfo.containerRuntimeVersion }
  },
}

/** Opens the source; nothing is asked before `refresh`. */
export function openNodeInfo(options: { readonly client: KubeReader; readonly node: string }): NodeInfoSource {
  let current: NodeInfo | undefined
  return {
    current: () => current,
    cniVersion: () => {
      const runtime = current?.containerRuntimeVersion ?? ''
      return runtime === '' ? undefined : runtimeCniVersion(runtime)
    },
    refresh: async (signal) => {
      current = (await options.client.get(nodes, { name: options.node }, { deadlineMs: 10_000, signal })) ?? current
    },
  }
}
