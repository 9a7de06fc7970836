// Decides in which order planned binaries reach the node and what is remembered of them. Never decides which: plan-binaries.ts.
import { join } from 'node:path'
import type { Clock } from '#kube/process/clock'
import { isError } from '#kube/process/is-error'
import type { Log } from '#kube/process/log'
import type { BinaryFiles } from './binary-files.ts'
import type { Fights } from './fights.ts'
import type { InstalledFile } from './installed-file.ts'
import { type BinaryStep, planBinaries, planRemoval, SHIM } from './plan-binaries.ts'

/** One binary as it stands on the node. */
export interface BinaryView {
  readonly path: string
  readonly sha256: string | undefined
  readonly state: BinaryStep['state']
  /** Why it is not as wanted, as a sentence; undefined when it is. */
  readonly problem: string | undefined
}

export interface Binaries {
  /** Brings the node's bin directory to what is wanted. A binary that cannot be written does not keep the others away. */
  apply(plugins: readonly string[]): Promise<readonly BinaryView[]>
  /** Takes our binaries off the node. */
  remove(): Promise<void>
}

export interface BinariesOptions {
  readonly files: BinaryFiles
  readonly installed: InstalledFile
  readonly imageBinDir: string
  readonly binDir: string
  readonly clock: Clock
  readonly log: Log
}

/** Opens the binaries of one node. */
export function openBinaries(options: BinariesOptions): Binaries {
  const { files, installed, imageBinDir, binDir, clock, log } = options
  const fights = new Map<string, Fights>()
  let swept = false

  const perform = async (step: BinaryStep): Promise<BinaryView> => {
    const path = join(binDir, step.name)
    if (step.action === 'none') {
      fights.set(step.name, step.fights)
      return { path, sha256: step.sha256, state: step.state, problem: problemOf(step, binDir) }
    }
    try {
      await files.install(join(imageBinDir, step.name), path)
      // Only a repair that happened counts as one.
      fights.set(step.name, step.fights)
      log.info('a binary was installed', { path, why: step.why, sha256: step.sha256 })
      return { path, sha256: step.sha256, state: 'Installed', problem: undefined }
    } catch (error) {
      log.error('a binary could not be installed', { path, error })
      const cause = isError(error) ? error.message : String(error)
      return { path, sha256: undefined, state: 'Missing', problem: `${path} cannot be written: ${cause}; make ${binDir} writable` }
    }
  }
  return {
    apply: async (plugins) => {
      const wanted = [...new Set([SHIM, ...plugins])]
      if (!swept) await files.sweep(binDir, wanted)
      swept = true
      const shipped = await files.look(imageBinDir, wanted)
      const owned = installed.current().binaries
      const steps = planBinaries({
        wanted,
        shipped: new Map([...shipped].map(([name, { sha256 }]) => [name, sha256])),
        present: await files.look(binDir, wanted),
        owned,
        fights,
        nowMs: clock.monotonic(),
      })
      // Remembered before they are written: a file that an agent wrote and then died is ours, never foreign.
      await installed.update({ ...installed.current(), binaries: remembered(owned, steps) })
      const views: BinaryView[] = []
      // One after the other, the shim first: eighteen copies at once would starve the node's disk.
      // oxlint-disable-next-line no-await-in-loop
      for (const step of steps) views.push(await perform(step))
      return views
    },
    remove: async () => {
      const owned = installed.current().binaries
      const names = planRemoval({ owned, present: await files.look(binDir, [...new Set([SHIM, ...owned.keys()])]) })
      await Promise.all(names.map((name) => files.remove(join(binDir, name))))
      if (names.length > 0) log.info('our binaries were removed', { binDir, names })
    },
  }
}

function remembered(owned: ReadonlyMap<string, NonNullable<BinaryStep['owned']>>, steps: readonly BinaryStep[]): typeof owned {
  return new Map([...owned, ...steps.flatMap((step) => (step.owned === undefined ? [] : [[step.name, step.owned] as const]))])
}

function problemOf({ name, why, state }: BinaryStep, binDir: string): string | undefined {
  if (state === 'Missing') return `"${name}" is neither in this release nor in ${binDir}; install it there or take it out of spec.plugins`
  if (state === 'Contested')
    return `somebody else changed ${binDir}/${name} three times within ten minutes; find who rewrites it, then restart the agent of this node`
  return why === 'foreign' && name === SHIM ? `${binDir}/${name} is not ours and is not overwritten; remove it` : undefined
}
