// Decides where builds, images and a cluster's state lie, and the names a cluster has on the machine. Pure: touches nothing.
import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Where one checkout keeps what it builds and runs. All paths are absolute. */
export interface Place {
  /** The root of the checkout. */
  readonly checkout: string
  /** Builds and images, shared by all checkouts of this user and keyed by hash. */
  readonly cache: string
  /** State of running clusters, one folder per checkout and cluster name. */
  readonly state: string
}

/** The names and addresses of one cluster on the machine. */
export interface ClusterPlace {
  readonly name: string
  /** Eight hex digits that no other checkout or cluster name has. */
  readonly id: string
  readonly folder: string
  /** The only interface in the machine's own network namespace: the way to the API server. */
  readonly uplink: string
  readonly uplinkAddress: string
  readonly apiAddress: string
  readonly prefix: number
}

/** Reads the folders from the environment of `main.ts` or of a suite: PLEXUS_CACHE, else XDG_CACHE_HOME/plexus, else ~/.cache/plexus. */
export function placeOf(environment: Readonly<Record<string, string | undefined>>, checkout: string): Place {
  const home = environment.HOME ?? '/root'
  const caches = environment.XDG_CACHE_HOME
  const cache = present(environment.PLEXUS_CACHE) ?? join(present(caches) ?? join(home, '.cache'), 'plexus')
  return { checkout, cache, state: join(cache, 'clusters') }
}

/** Names of one cluster. Two checkouts, and two cluster names of one checkout, never share a name or a subnet (1 in 16,384). */
export function clusterPlace(place: Place, name: string): ClusterPlace {
  const digest = createHash('sha256').update(`${place.checkout}\0${name}`).digest()
  const id = digest.subarray(0, 4).toString('hex')
  // 100.64.0.0/10 is the shared address space: neither a home nor an office network uses it.
  const network = `100.${64 + ((digest[4] ?? 0) & 63)}.${digest[5] ?? 0}`
  return {
    name,
    id,
    folder: join(place.state, `${name}-${id}`),
    uplink: `px${id}`,
    uplinkAddress: `${network}.254`,
    apiAddress: `${network}.1`,
    prefix: 24,
  }
}

/** One node's names; `index` counts from 1. Its address lies in the cluster's segment, its pods in a /22 of their own. */
export interface NodePlace {
  readonly name: string
  readonly index: number
  readonly folder: string
  readonly address: string
  readonly podSubnet: string
  readonly cgroup: string
}

/** Where a node's disk, /run and logs lie, and which addresses it has. */
export function nodePlace(cluster: ClusterPlace, index: number): NodePlace {
  const name = `node-${index}`
  return {
    name,
    index,
    folder: join(cluster.folder, name),
    address: cluster.apiAddress.replace(/\.1$/, `.${10 + index}`),
    podSubnet: `10.244.${4 * index}.0/22`,
    cgroup: `plexus-${cluster.id}-${name}`,
  }
}

const present = (value: string | undefined): string | undefined => (value === '' ? undefined : value)
