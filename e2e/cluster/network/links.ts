// Decides the `ip -batch` lines that wire a cluster. Pure. `S` is the control plane's namespace, where both bridges lie.
import type { ClusterPlace, NodePlace } from '../place.ts'

/** The bridge that carries the nodes' primary addresses. */
export const segment = 'segment'
/** The bridge that joins all nodes' `eth1`: one L2 segment for macvlan and the like. */
export const uplinks = 'uplinks'

/** In the machine's own namespace: one veth, the way of kubectl and of tests to the API server. */
export function machineLinks(cluster: ClusterPlace, controlPlanePid: number): readonly string[] {
  return [
    `link add name ${cluster.uplink} type veth peer name machine netns ${controlPlanePid}`,
    `address add ${cluster.uplinkAddress}/${cluster.prefix} dev ${cluster.uplink}`,
    `link set ${cluster.uplink} up`,
  ]
}

/** In the control plane's namespace, once. */
export function controlPlaneLinks(cluster: ClusterPlace): readonly string[] {
  return [
    'link set lo up',
    // Without snooping IPv6 neighbour discovery works from the first packet.
    `link add name ${segment} type bridge mcast_snooping 0`,
    `link add name ${uplinks} type bridge mcast_snooping 0`,
    `link set machine master ${segment} up`,
    `address add ${cluster.apiAddress}/${cluster.prefix} dev ${segment}`,
    `link set ${segment} up`,
    `link set ${uplinks} up`,
  ]
}

/** In the machine's namespace: a node's two veth pairs, each straight into the namespaces of its ends. MACs outlive a reboot. */
export function nodeVeths(
  cluster: ClusterPlace,
  node: NodePlace,
  pids: { readonly node: number; readonly controlPlane: number },
): readonly string[] {
  const mac = (kind: string): string => `${kind}:${cluster.id.match(/../g)?.join(':') ?? ''}:${node.index.toString(16).padStart(2, '0')}`
  const pair = (name: string, kind: string): string =>
    `link add name ${name} address ${mac(kind)} netns ${pids.node} type veth peer name ${farEnd(node, name)} netns ${pids.controlPlane}`
  return [pair('eth0', '02'), pair('eth1', '06')]
}

/** In the control plane's namespace, for one node. */
export function nodePorts(node: NodePlace): readonly string[] {
  return [
    `link set ${farEnd(node, 'eth0')} master ${segment} up`,
    `link set ${farEnd(node, 'eth1')} master ${uplinks} up`,
    `route replace ${node.podSubnet} via ${node.address}`,
  ]
}

/** In the node's namespace. */
export function nodeLinks(cluster: ClusterPlace, node: NodePlace, others: readonly NodePlace[]): readonly string[] {
  return [
    'link set lo up',
    `address add ${node.address}/${cluster.prefix} dev eth0`,
    'link set eth0 up',
    'link set eth1 up',
    `route add default via ${cluster.apiAddress}`,
    ...others.map((other) => `route add ${other.podSubnet} via ${other.address}`),
  ]
}

/** The name of a node's veth at the bridge. */
export const farEnd = (node: NodePlace, name: string): string => `n${node.index}-${name}`

/** nftables rules that cut a node from the API server in both directions: packets vanish, as behind a broken switch. */
export function cutRules(cluster: ClusterPlace): string {
  const address = cluster.apiAddress
  return `table inet plexus_cut
delete table inet plexus_cut
table inet plexus_cut {
  chain in { type filter hook input priority 0; ip saddr ${address} drop; }
  chain out { type filter hook output priority 0; ip daddr ${address} drop; }
  chain through { type filter hook forward priority 0; ip daddr ${address} drop; ip saddr ${address} drop; }
}
`
}

export const healRules = 'table inet plexus_cut\ndelete table inet plexus_cut\n'
