// Decides what happens to our conf in the runtime's conf directory: written, repaired, left alone or removed. Pure: never touches the directory.
import { type CniVersion, isCniVersion } from '#api/cni/version'
import { type Fights, fight, settled } from '../install/fights.ts'
import { type ConfContent, confText, isMultus, ownPart, partText, readConf } from './own-conf.ts'

/** A file of the conf directory with a conf extension. */
export interface ConfFile {
  readonly name: string
  readonly text: string
}

/** What we wrote last: the file and our part in it. */
export interface WrittenConf {
  readonly name: string
  readonly part: string
}

export interface ConfWorld {
  /** Sorted by name, as runtimes read them. */
  readonly files: readonly ConfFile[]
  readonly state: 'Installed' | 'Removed'
  /** Name of our file. */
  readonly name: string
  /** undefined while the runtime is unknown. */
  readonly cniVersion: CniVersion | undefined
  readonly stateDir: string
  readonly runDir: string
  readonly written: WrittenConf | undefined
  readonly fights: Fights
  readonly nowMs: number
}

export type ConfAction =
  | { readonly kind: 'write'; readonly name: string; readonly text: string; readonly why: 'new' | 'changed' | 'repair' }
  | { readonly kind: 'remove'; readonly name: string }

/** Why our conf is not what the runtime uses. */
export type HeldReason =
  | 'MultusPresent'
  | 'ForeignFile'
  | 'ConfContested'
  | 'RuntimeUnknown'
  | 'Shadowed'
  | 'PrimaryUnknown'
  | 'PluginNotInstalled'

/** How it stands after the actions. `message` is a sentence for users. */
export type ConfOutcome =
  /** `text`: what is in the file. */
  | { readonly kind: 'installed'; readonly name: string; readonly cniVersion: CniVersion; readonly text: string }
  | { readonly kind: 'removed' }
  | {
      readonly kind: 'held'
      readonly reason: HeldReason
      readonly message: string
    }

export interface ConfPlan {
  readonly actions: readonly ConfAction[]
  readonly outcome: ConfOutcome
  /** What to remember as written once the actions succeeded. */
  readonly written: WrittenConf | undefined
  readonly fights: Fights
}

/** Plans one look at the directory. */
export function planConf(world: ConfWorld): ConfPlan {
  if (world.state === 'Removed') return planRemoval(world)
  const contents = new Map(world.files.map(({ name, text }) => [name, readConf(text)]))
  const present = contents.get(world.name)
  const obstacle = obstacleOf(world, contents)
  if (obstacle !== undefined) return { actions: [], outcome: obstacle, written: world.written, fights: world.fights }
  const cniVersion = world.cniVersion ?? versionOf(present)
  if (cniVersion === undefined) {
    const outcome = held('RuntimeUnknown', 'the API server has not yet said which runtime this node has; it is asked again')
    return { actions: [], outcome, written: world.written, fights: world.fights }
  }
  const plan = planFile(world, present, cniVersion)
  return plan.outcome.kind === 'installed' ? shadowed(world, contents, plan) : plan
}

/** Why nothing may be written now. */
function obstacleOf(world: ConfWorld, contents: ReadonlyMap<string, ConfContent>): Held | undefined {
  const multus = [...contents].find(([name, content]) => name < world.name && isMultus(name, content))?.[0]
  if (multus !== undefined) {
    return held(
      'MultusPresent',
      `${multus} is in the conf directory and the runtime uses it; stop Multus on this node and remove that file`,
    )
  }
  const present = contents.get(world.name)
  if (present?.kind !== 'foreign' || world.written?.name === world.name) return undefined
  return held(
    'ForeignFile',
    `${world.name} holds a configuration of "${present.type}"; give another spec.conf.name in the NodeNetworkProfile`,
  )
}

/** While the runtime is unknown, the version of our present file stays. */
function versionOf(present: ConfContent | undefined): CniVersion | undefined {
  return present?.kind === 'ours' && isCniVersion(present.cniVersion) ? present.cniVersion : undefined
}

function planFile(world: ConfWorld, present: ConfContent | undefined, cniVersion: CniVersion): ConfPlan {
  const { name, written } = world
  const own = ownPart({ ...world, cniVersion })
  const part = partText(own)
  const inPlace = (text: string) => ({ kind: 'installed', name, cniVersion, text }) as const
  const stale = staleName(world)
  if (present?.kind === 'ours' && present.part === part) {
    return { actions: stale, outcome: inPlace(textOf(world)), written: { name, part }, fights: settled(world.fights) }
  }
  const why = whyWrite(world, present)
  const fights = why === 'repair' ? fight(world.fights, world.nowMs) : world.fights
  if (fights.contested) {
    const message = `somebody else changed ${name} three times within ten minutes; find who rewrites it, then restart the agent of this node`
    return { actions: [], outcome: held('ConfContested', message), written, fights }
  }
  const text = confText(own, present?.kind === 'ours' ? present.appended : [])
  return { actions: [{ kind: 'write', name, text, why }, ...stale], outcome: inPlace(text), written: { name, part }, fights }
}

function textOf({ files, name }: ConfWorld): string {
  return files.find((file) => file.name === name)?.text ?? ''
}

/** A file that is not as we left it was changed by somebody else; else it is we who want something new. */
function whyWrite({ name, written }: ConfWorld, present: ConfContent | undefined): 'new' | 'changed' | 'repair' {
  if (written?.name !== name) return present?.kind === 'ours' ? 'changed' : 'new'
  return present?.kind === 'ours' && present.part === written.part ? 'changed' : 'repair'
}

/** After a change of name the old file goes, once the new one is in place. */
function staleName({ files, name, written }: ConfWorld): readonly ConfAction[] {
  if (written === undefined || written.name === name) return []
  const old = files.find((file) => file.name === written.name)
  return old !== undefined && readConf(old.text).kind === 'ours' ? [{ kind: 'remove', name: old.name }] : []
}

/** Ours is in place but the runtime takes the first file. */
function shadowed(world: ConfWorld, files: ReadonlyMap<string, ConfContent>, plan: ConfPlan): ConfPlan {
  const first = [...files].find(([name, content]) => name < world.name && content.kind !== 'damaged' && !isRemoved(plan, name))?.[0]
  if (first === undefined) return plan
  const message = `${first} sorts before ${world.name}, so the runtime uses that; give a spec.conf.name that sorts before it in the NodeNetworkProfile`
  return { ...plan, outcome: { kind: 'held', reason: 'Shadowed', message } }
}

function isRemoved(plan: ConfPlan, name: string): boolean {
  return plan.actions.some((action) => action.kind === 'remove' && action.name === name)
}

function planRemoval({ files, name, written }: ConfWorld): ConfPlan {
  const ours = files.filter((file) => (file.name === name || file.name === written?.name) && readConf(file.text).kind === 'ours')
  return {
    actions: ours.map((file) => ({ kind: 'remove', name: file.name })),
    outcome: { kind: 'removed' },
    written: undefined,
    fights: { at: [], contested: false },
  }
}

type Held = Extract<ConfOutcome, { kind: 'held' }>

function held(reason: Held['reason'], message: string): Held {
  return { kind: 'held', reason, message }
}
