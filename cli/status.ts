// Decides what `status` shows: profiles, nodes and networks, and what is wrong with each. Never changes anything.
import type { z } from 'zod'
import type { condition } from '#api/kinds/meta'
import type { NodeNetwork } from '#api/kinds/node-network'
import type { KubeReader } from '#kube/client'
import { keyOf } from '#kube/resource'
import { listAll, networks, nodeNetworks, profiles } from './cluster.ts'
import { tableOf } from './text-table.ts'

interface Conditioned {
  readonly conditions?: readonly z.infer<typeof condition>[] | undefined
}

/** What the three kinds say of themselves. */
export interface ClusterStatus {
  readonly profiles: readonly { readonly name: string; readonly priority: number; readonly state: string; readonly nodes: string }[]
  readonly nodes: readonly {
    readonly name: string
    readonly ready: string
    readonly profile: string
    readonly primary: string
    readonly attached: number
    readonly deleting: number
    readonly agent: string
  }[]
  readonly networks: readonly {
    readonly name: string
    readonly type: string
    readonly ready: string
    readonly nodes: string
    readonly pods: number
  }[]
  readonly problems: readonly string[]
}

/** Reads the cluster. */
export async function readStatus(client: KubeReader): Promise<ClusterStatus> {
  const [ruling, nodes, nads] = await Promise.all([listAll(client, profiles), listAll(client, nodeNetworks), listAll(client, networks)])
  return {
    profiles: ruling.map(({ metadata, spec, status }) => ({
      name: metadata.name,
      priority: spec.priority,
      state: spec.state,
      nodes: status?.nodes?.summary ?? '',
    })),
    nodes: nodes.map(nodeRow),
    networks: nads.map(({ metadata, status }) => ({
      name: keyOf(metadata),
      type: status?.type ?? '',
      ready: readyOf(status),
      nodes: status?.nodes?.summary ?? '',
      pods: status?.pods ?? 0,
    })),
    problems: [
      ...(ruling.length === 0 ? ['there is no NodeNetworkProfile, or its kind is not installed; install the chart'] : []),
      ...(nodes.length === 0 ? ['no node has reported yet; look at the pods of the node agent'] : []),
      ...ruling.flatMap(({ metadata, status }) => problemOf(`profile ${metadata.name}`, status)),
      ...nodes.flatMap(({ metadata, status }) => problemOf(`node ${metadata.name}`, status)),
      ...nads.flatMap(({ metadata, status }) => problemOf(`network ${keyOf(metadata)}`, status)),
    ],
  }
}

function nodeRow({ metadata, status = {} }: NodeNetwork): ClusterStatus['nodes'][number] {
  const { profile = '', primary, sandboxes = { attached: 0, deleting: 0 }, agentVersion = '' } = status
  return { name: metadata.name, ready: readyOf(status), profile, primary: primary?.name ?? '', ...sandboxes, agent: agentVersion }
}

/** For people. */
export function printStatus({ profiles: ruling, nodes, networks: nads, problems }: ClusterStatus): string {
  return [
    tableOf([['PROFILE', 'PRIORITY', 'STATE', 'NODES'], ...ruling.map((p) => [p.name, String(p.priority), p.state, p.nodes])]),
    '\n',
    tableOf([
      ['NODE', 'READY', 'PROFILE', 'PRIMARY', 'ATTACHED', 'DELETING', 'AGENT'],
      ...nodes.map((n) => [n.name, n.ready, n.profile, n.primary, String(n.attached), String(n.deleting), n.agent]),
    ]),
    '\n',
    tableOf([['NETWORK', 'TYPE', 'READY', 'NODES', 'PODS'], ...nads.map((n) => [n.name, n.type, n.ready, n.nodes, String(n.pods)])]),
    '\n',
    problems.length === 0 ? 'OK\n' : problems.map((problem) => `PROBLEM  ${problem}\n`).join(''),
  ].join('')
}

function readyOf(status: Conditioned | undefined): string {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status ?? 'Unknown'
}

/** What is not Ready says why by itself. */
function problemOf(what: string, status: Conditioned | undefined): readonly string[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready === undefined || ready.status === 'True' ? [] : [`${what}: ${ready.reason}: ${ready.message}`]
}
