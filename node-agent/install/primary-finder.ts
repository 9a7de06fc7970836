// Decides when the node's primary network is looked for and which answer is kept. Never decides which file it is: choose-primary.ts.
import { access } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { parseNetworkKey } from '#api/ids'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import type { PrimaryNetwork } from '#api/node-file'
import { namedConfDirs, readBounded, readConfDir } from '../conf/conf-dir.ts'
import { chainedPlugins } from '../conf/named-confs.ts'
import type { Snapshot } from '../stream/snapshot.ts'
import { type Candidate, choosePrimary, networkNameOf, type PrimaryChoice } from './choose-primary.ts'
import type { PrimarySource } from './primary-source.ts'

export interface PrimaryFinder extends PrimarySource {
  /** Looks again; the last good primary stays when this finds none. */
  look(spec: ProfileSpec): Promise<PrimaryChoice>
  /** Whether the one in use takes addresses or devices from us. */
  needsAgent(): boolean
  /** Names of all networks that the conf directories define. */
  confNames(): ReadonlySet<string>
}

export interface PrimaryFinderOptions {
  readonly confDir: string
  readonly binDir: string
  readonly snapshot: Snapshot
  /** What node.json held when the agent started. */
  readonly restored: PrimaryNetwork | undefined
}

/** Opens the finder; nothing is looked for before `look`. */
export function openPrimaryFinder(options: PrimaryFinderOptions): PrimaryFinder {
  const { confDir, binDir, snapshot } = options
  let current = options.restored
  let source: string | undefined
  let needsAgent = false
  let names: ReadonlySet<string> = new Set()
  return {
    current: () => current,
    binDirs: () => [...new Set([binDir, ...(snapshot.profile()?.spec.extraBinDirs ?? [])])],
    needsAgent: () => needsAgent,
    confNames: () => names,
    look: async (spec) => {
      const candidates = await readCandidates([confDir, ...spec.extraConfDirs])
      const named = await readCandidates(namedConfDirs(confDir, spec.extraConfDirs))
      names = new Set(named.flatMap((candidate) => networkNameOf(candidate) ?? []))
      const choice = choosePrimary({
        spec: spec.primary,
        ownName: spec.conf.name,
        candidates,
        file: await absoluteFile(spec.primary.file),
        network: networkOf(spec, snapshot),
        notReady: await missingFile(spec.readinessFile),
        lastSource: source,
      })
      if (choice.kind === 'found') {
        current = choice.primary
        source = choice.source
        needsAgent = choice.needsAgent
      }
      return choice
    },
  }
}

async function readCandidates(directories: readonly string[]): Promise<readonly Candidate[]> {
  const read = await Promise.all(
    directories.map(async (directory) => {
      const files = await readConfDir(directory)
      return Promise.all(files.map((file) => withChain({ ...file, path: join(directory, file.name) })))
    }),
  )
  return read.flat()
}

async function withChain(candidate: Candidate): Promise<Candidate> {
  return { ...candidate, chained: await chainedPlugins(candidate.path, candidate.text) }
}

/** The file, or the first conf of the directory that is there. */
async function absoluteFile(path: string | undefined): Promise<Candidate | undefined> {
  if (path === undefined || !isAbsolute(path)) return undefined
  const text = await readBounded(path)
  if (text !== undefined) return await withChain({ path, name: basename(path), text })
  const [first] = await readConfDir(path)
  return first === undefined ? undefined : await withChain({ ...first, path: join(path, first.name) })
}

/** A bare name is one in `networkNamespace`. */
function networkOf({ primary, networkNamespace }: ProfileSpec, snapshot: Snapshot): ReturnType<Snapshot['network']> {
  const { source, network = '' } = primary
  const key = source === 'Network' ? parseNetworkKey(network.includes('/') ? network : `${networkNamespace}/${network}`) : undefined
  return key === undefined ? undefined : snapshot.network(key)
}

async function missingFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  return await access(path).then(
    () => undefined,
    () => path,
  )
}
