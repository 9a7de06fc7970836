// Decides the order in which a node is set up and taken down: binaries, node.json, conf; and the reverse. Never decides what they hold: the planners do.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CniVersion } from '#api/cni/version'
import type { ProfileSpec } from '#api/kinds/node-network-profile'
import { NODE_FILE } from '#api/sandbox-record'
import type { ProfileObject } from '#api/stream'
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { Clock } from '#kube/process/clock'
import type { Log } from '#kube/process/log'
import { leftoverTemps, namedConfDirs, readBounded, readConfDir } from '../conf/conf-dir.ts'
import { findAuxiliaryChain } from '../conf/named-confs.ts'
import { type ConfAction, type ConfOutcome, type ConfPlan, planConf } from '../conf/plan-conf.ts'
import type { HeldSnapshot } from '../stream/held-snapshot.ts'
import type { Binaries, BinaryView } from './apply-binaries.ts'
import type { PrimaryChoice } from './choose-primary.ts'
import { type Fights, NO_FIGHTS } from './fights.ts'
import type { InstalledFile } from './installed-file.ts'
import { nodeFileText, planNodeFile } from './node-file.ts'
import { SHIM } from './plan-binaries.ts'
import type { PrimaryFinder } from './primary-finder.ts'

/** How far the node is set up. */
export type NodeView =
  /** No profile was ever received: the runtime keeps the conf it has. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'installed'
      readonly profile: ProfileObject
      readonly primary: PrimaryChoice
      readonly binaries: readonly BinaryView[]
      readonly conf: ConfOutcome
    }
  /** `waitingFor`: sandboxes whose DEL still needs our binaries. */
  | { readonly kind: 'removed'; readonly profile: ProfileObject; readonly primary: PrimaryChoice; readonly waitingFor: number }

export interface NodeReconcileOptions {
  readonly confDir: string
  readonly stateDir: string
  readonly runDir: string
  readonly snapshot: Pick<HeldSnapshot, 'profile' | 'namespaces'>
  readonly primary: PrimaryFinder
  readonly binaries: Binaries
  readonly installed: InstalledFile
  readonly files: AtomicFiles
  /** The newest CNI version of this node's runtime; undefined while unknown. */
  runtimeVersion(): CniVersion | undefined
  /** Sandboxes that have a record. */
  sandboxes(): number
  readonly clock: Clock
  readonly log: Log
}

export interface NodeReconcile {
  /** One look at everything, and what follows from it. */
  run(): Promise<NodeView>
}

/** Opens the reconcile of one node; runs must not overlap. */
export function openNodeReconcile(options: NodeReconcileOptions): NodeReconcile {
  const { snapshot, primary } = options
  const conf = openConf(options)
  const writeNodeFile = openNodeFile(options)

  const install = async (profile: ProfileObject): Promise<NodeView> => {
    const { spec } = profile
    const choice = await primary.look(spec)
    const binaries = await options.binaries.apply(spec.plugins)
    await writeNodeFile(spec)
    const shim = binaries.find(({ path }) => path.endsWith(`/${SHIM}`))
    const ready = shim?.state === 'Installed' && primary.current() !== undefined
    return { kind: 'installed', profile, primary: choice, binaries, conf: ready ? await conf.apply(spec) : waiting(choice) }
  }
  const remove = async (profile: ProfileObject): Promise<NodeView> => {
    const choice = await primary.look(profile.spec)
    await conf.apply(profile.spec)
    const waitingFor = options.sandboxes()
    if (waitingFor > 0) return { kind: 'removed', profile, primary: choice, waitingFor }
    await options.binaries.remove()
    await rm(join(options.stateDir, NODE_FILE), { force: true })
    await options.installed.forget()
    return { kind: 'removed', profile, primary: choice, waitingFor }
  }
  return {
    run: async () => {
      const profile = snapshot.profile()
      if (profile === undefined) return { kind: 'unknown' }
      return await (profile.spec.state === 'Removed' ? remove(profile) : install(profile))
    },
  }
}

function waiting(choice: PrimaryChoice): ConfOutcome {
  const message = choice.kind === 'none' ? choice.message : 'our CNI plugin is not in place; the condition BinariesInstalled says why'
  return { kind: 'held', reason: choice.kind === 'none' ? 'PrimaryUnknown' : 'PluginNotInstalled', message }
}

/** Writes node.json when it changed; what somebody else did to it is put right as well. */
function openNodeFile({ stateDir, confDir, files, primary, snapshot }: NodeReconcileOptions): (spec: ProfileSpec) => Promise<void> {
  const path = join(stateDir, NODE_FILE)
  return async (spec) => {
    const { auxiliaryChain: name, extraConfDirs } = spec
    const chain = name === undefined ? undefined : await findAuxiliaryChain(namedConfDirs(confDir, extraConfDirs), { name })
    const file = planNodeFile({
      spec,
      primary: primary.current(),
      primaryNeedsAgent: primary.needsAgent(),
      binDirs: primary.binDirs(),
      namespaces: snapshot.namespaces(),
      auxiliary: chain !== undefined,
    })
    const text = nodeFileText(file)
    if ((await readBounded(path)) !== text) await files.write(path, text, { mode: 0o600 })
  }
}

/** Our conf in the conf directory. */
function openConf(options: NodeReconcileOptions): { apply(spec: ProfileSpec): Promise<ConfOutcome> } {
  const { confDir, installed, files, clock, log } = options
  let fights: Fights = NO_FIGHTS
  let swept = false

  const perform = async (action: ConfAction): Promise<void> => {
    const path = join(confDir, action.name)
    if (action.kind === 'remove') await files.remove(path)
    else await files.write(path, action.text, { mode: 0o600 })
    log.info('the conf directory was changed', { path, action: action.kind, ...(action.kind === 'write' ? { why: action.why } : {}) })
  }
  const plan = async (spec: ProfileSpec): Promise<ConfPlan> =>
    planConf({
      files: await readConfDir(confDir),
      state: spec.state,
      name: spec.conf.name,
      cniVersion: spec.conf.cniVersion === 'auto' ? options.runtimeVersion() : spec.conf.cniVersion,
      stateDir: options.stateDir,
      runDir: options.runDir,
      written: installed.current().conf,
      fights,
      nowMs: clock.monotonic(),
    })
  return {
    apply: async (spec) => {
      if (!swept) await Promise.all((await leftoverTemps(confDir, [spec.conf.name])).map((path) => rm(path, { force: true })))
      swept = true
      const { actions, outcome, written, fights: next } = await plan(spec)
      // Each action stands on the one before it: the new file is in place before the old one goes.
      // oxlint-disable-next-line no-await-in-loop
      for (const action of actions) await perform(action)
      fights = next
      await installed.update({ ...installed.current(), conf: written })
      return outcome
    },
  }
}
