// Looks for what an attachment could leave behind on a node: records, spool, addresses, namespaces, links. Decides what counts as left over.
import type { Node } from '#cluster/node/node'
import { waitFor } from '#cluster/wait-for'

/** State of one node that must return to where it was. */
export interface Footprint {
  /** Sandbox records that are not tombstones. */
  readonly records: readonly string[]
  readonly spool: readonly string[]
  /** host-local's files: `<network>/<address>`. */
  readonly addresses: readonly string[]
  readonly netns: readonly string[]
  /** Links of the node's own namespace. */
  readonly links: readonly string[]
}

/** What is on the node now. */
export async function footprint(node: Node): Promise<Footprint> {
  const records = await Promise.all(
    (await node.files.list('/var/lib/plexus/sandboxes')).filter((name) => name.endsWith('.json')).map((name) => liveRecord(node, name)),
  )
  const networks = await node.files.list('/var/lib/cni/networks')
  const addresses = await Promise.all(
    networks.map(async (network) =>
      (await node.files.list(`/var/lib/cni/networks/${network}`))
        .filter((file) => /^[0-9a-f.:]+$/.test(file))
        .map((file) => `${network}/${file}`),
    ),
  )
  const links: readonly { readonly ifname: string }[] = JSON.parse(await node.run(['ip', '-j', 'link']))
  return {
    records: records.filter((name) => name !== undefined),
    spool: (await node.files.list('/var/lib/plexus/spool')).filter((name) => name.endsWith('.json')),
    addresses: addresses.flat().toSorted(),
    netns: await node.files.list('/run/netns'),
    links: links.map((link) => link.ifname).toSorted(),
  }
}

/** A record may become a tombstone, or vanish, between listing and reading. */
async function liveRecord(node: Node, name: string): Promise<string | undefined> {
  const text = await node.files.read(`/var/lib/plexus/sandboxes/${name}`).catch(() => undefined)
  if (text === undefined) return undefined
  const record: { readonly state: string; readonly pod?: { readonly namespace: string; readonly name: string } } = JSON.parse(text)
  return record.state === 'gone' ? undefined : `${record.pod?.namespace}/${record.pod?.name} ${name} ${record.state}`
}

/** Waits until the node has nothing that it had not before. */
export async function nothingLeft(node: Node, before: Footprint, deadline = 60_000): Promise<void> {
  await waitFor(
    `${node.name} holds nothing more than before`,
    async () => {
      const now = await footprint(node)
      const more = (Object.keys(before) as (keyof Footprint)[]).flatMap((key) =>
        now[key].filter((entry) => !before[key].includes(entry)).map((entry) => `${key}: ${entry}`),
      )
      return more.length === 0 ? { done: true, value: undefined } : { done: false, seen: more.join('; ') }
    },
    { deadline, every: 500 },
  )
}
