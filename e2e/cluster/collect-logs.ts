// Gathers what a person needs to understand a failed run into one folder. Never fails because one part of it cannot be had.
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { reasonOf } from './cluster-error.ts'
import type { Node } from './node/node.ts'
import type { RunOptions } from './process/run.ts'

export interface CollectOptions {
  readonly folder: string
  /** Folders of the sandboxes, each with `logs/`. */
  readonly sources: readonly string[]
  readonly nodes: readonly Node[]
  readonly kubectl: (words: readonly string[], options?: RunOptions) => Promise<string>
}

/** Writes component and pod logs, objects, events, and each node's links, routes, rules and Plexus files. */
export async function collectLogs({ folder, sources, nodes, kubectl }: CollectOptions): Promise<void> {
  await mkdir(folder, { recursive: true })
  const write = async (file: string, make: () => Promise<string>): Promise<void> => {
    await writeFile(join(folder, file), await make().catch((thrown: unknown) => `could not be had: ${reasonOf(thrown)}\n`))
  }
  const copies = sources.flatMap((source) => [
    copyIfThere(join(source, 'logs'), join(folder, basename(source))),
    copyIfThere(join(source, 'disk/var/log/pods'), join(folder, basename(source), 'pods')),
    copyIfThere(join(source, 'disk/etc/cni'), join(folder, basename(source), 'cni')),
    copyIfThere(join(source, 'disk/var/lib/plexus'), join(folder, basename(source), 'plexus')),
  ])
  const fast = { deadline: 15_000 }
  await Promise.all([
    ...copies,
    write('objects.txt', () => kubectl(['get', 'nodes,pods,deployments,daemonsets,services', '-A', '-o', 'wide'], fast)),
    write('objects.yaml', () => kubectl(['get', 'nodes,pods', '-A', '-o', 'yaml'], fast)),
    write('networks.yaml', () => kubectl(['get', 'net-attach-def', '-A', '-o', 'yaml'], fast)),
    write('events.txt', () => kubectl(['get', 'events', '-A', '--sort-by=.lastTimestamp'], fast)),
    ...nodes.flatMap((node) => Object.entries(looks).map(([file, argv]) => write(`${node.name}-${file}`, () => node.run(argv, fast)))),
  ])
}

const looks = {
  'links.txt': ['ip', '-details', 'address'],
  'routes.txt': ['ip', 'route', 'show', 'table', 'all'],
  'rules.txt': ['nft', 'list', 'ruleset'],
  'processes.txt': ['ps', '-ef'],
} as const

async function copyIfThere(from: string, to: string): Promise<void> {
  // Sockets and vanished files are no loss to a reader of logs.
  await cp(from, to, { recursive: true, errorOnExist: false, filter: (path) => !path.endsWith('.sock') }).catch(() => undefined)
}
