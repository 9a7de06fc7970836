// Decides which plugin binaries are written to the node, kept, or left to their owner. Pure: never touches a file.
import { type Fights, fight, NO_FIGHTS, settled } from './fights.ts'

/** Name of our own CNI plugin, which must be in place before our conf. */
export const SHIM = 'plexus'

/** A file in the node's bin directory. */
export interface PresentBinary {
  readonly sha256: string
  readonly executable: boolean
  /** It carries the shim's marker: ours, whatever its version. */
  readonly marked: boolean
}

/** What we know of a file that is ours. `adopted`: it lay there with the bytes that we would have written. */
export interface OwnedBinary {
  readonly sha256: string
  readonly origin: 'written' | 'adopted'
}

export interface BinaryWorld {
  readonly wanted: readonly string[]
  /** name → sha256 of what this release brings. */
  readonly shipped: ReadonlyMap<string, string>
  readonly present: ReadonlyMap<string, PresentBinary>
  readonly owned: ReadonlyMap<string, OwnedBinary>
  readonly fights: ReadonlyMap<string, Fights>
  readonly nowMs: number
}

/** One binary: what to do, and its state afterwards (states of NodeNetwork). */
export interface BinaryStep {
  readonly name: string
  readonly action: 'install' | 'none'
  readonly why: 'new' | 'update' | 'repair' | 'kept' | 'foreign' | 'absent' | 'contested'
  readonly state: 'Installed' | 'Foreign' | 'Missing' | 'Contested'
  readonly sha256: string | undefined
  /** What to remember as ours; undefined for what is not. */
  readonly owned: OwnedBinary | undefined
  readonly fights: Fights
}

/** One step per wanted binary, in the order given. */
export function planBinaries(world: BinaryWorld): readonly BinaryStep[] {
  return world.wanted.map((name) => planBinary(name, world))
}

/** Names that a removal takes off the node: what we wrote and nobody changed since. */
export function planRemoval(world: Pick<BinaryWorld, 'present' | 'owned'>): readonly string[] {
  const written = [...world.owned].filter(([name, owned]) => owned.origin === 'written' && world.present.get(name)?.sha256 === owned.sha256)
  const shim = world.present.get(SHIM)?.marked === true ? [SHIM] : []
  return [...new Set([...written.map(([name]) => name), ...shim])]
}

function planBinary(name: string, world: BinaryWorld): BinaryStep {
  const shipped = world.shipped.get(name)
  const present = world.present.get(name)
  const base = { name, owned: world.owned.get(name), fights: world.fights.get(name) ?? NO_FIGHTS }
  if (shipped === undefined) return withoutShipped(base, present)
  if (present === undefined) return installed(base, shipped, base.owned === undefined ? 'new' : 'repair')
  if (present.sha256 === shipped && present.executable) return kept(base, shipped)
  if (isUntouched(name, present, base.owned)) return installed(base, shipped, 'update')
  const left = { ...base, action: 'none', sha256: present.sha256 } as const
  if (base.owned === undefined) return { ...left, why: 'foreign', state: 'Foreign' }
  const fights = fight(base.fights, world.nowMs)
  return fights.contested ? { ...left, why: 'contested', state: 'Contested', fights } : installed({ ...base, fights }, shipped, 'repair')
}

function installed(base: Base, sha256: string, why: 'new' | 'update' | 'repair'): BinaryStep {
  return { ...base, action: 'install', why, state: 'Installed', sha256, owned: { sha256, origin: 'written' } }
}

function kept(base: Base, shipped: string): BinaryStep {
  const owned = base.owned?.sha256 === shipped ? base.owned : ({ sha256: shipped, origin: 'adopted' } as const)
  return { ...base, action: 'none', why: 'kept', state: 'Installed', sha256: shipped, owned, fights: settled(base.fights) }
}

type Base = Pick<BinaryStep, 'name' | 'owned' | 'fights'>

/** As we left it, or an older shim: replacing it is an update. */
function isUntouched(name: string, present: PresentBinary, owned: OwnedBinary | undefined): boolean {
  return present.executable && (owned?.sha256 === present.sha256 || (name === SHIM && present.marked))
}

/** The profile names a plugin that this release does not bring: the node's own is as good. */
function withoutShipped(base: Base, present: PresentBinary | undefined): BinaryStep {
  const state = present === undefined ? 'Missing' : 'Foreign'
  return { ...base, action: 'none', why: present === undefined ? 'absent' : 'foreign', state, sha256: present?.sha256 }
}
