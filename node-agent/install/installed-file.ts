// Decides what the agent remembers of the files it put on the node: `<state-dir>/installed.json`. Never looks at those files.
import { readFile } from 'node:fs/promises'
import { isObject, type JsonObject, parseJson } from '#api/json'
import type { AtomicFiles } from '#kube/process/atomic-file'
import type { WrittenConf } from '../conf/plan-conf.ts'
import type { OwnedBinary } from './plan-binaries.ts'

/** What is ours on this node. */
export interface Installed {
  readonly binaries: ReadonlyMap<string, OwnedBinary>
  readonly conf: WrittenConf | undefined
}

/** The memory of one agent; `update` returns once it is on disk. */
export interface InstalledFile {
  current(): Installed
  update(next: Installed): Promise<void>
  /** Nothing is ours any more. */
  forget(): Promise<void>
}

export const NOTHING_INSTALLED: Installed = { binaries: new Map(), conf: undefined }

/** Opens the file. One that cannot be read means that nothing is known to be ours: equal files are adopted again, others left alone. */
export async function openInstalledFile(path: string, files: AtomicFiles): Promise<InstalledFile> {
  let text = await readFile(path, 'utf8').catch(() => '')
  let current = parseInstalled(text)
  return {
    current: () => current,
    update: async (next) => {
      const wanted = installedText(next)
      const nothing = next.binaries.size === 0 && next.conf === undefined
      if (wanted === text || (nothing && text === '')) return
      await files.write(path, wanted, { mode: 0o600 })
      text = wanted
      current = next
    },
    forget: async () => {
      if (text === '') return
      await files.remove(path)
      text = ''
      current = NOTHING_INSTALLED
    },
  }
}

export function installedText({ binaries, conf }: Installed): string {
  const named = Object.fromEntries([...binaries].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return `${JSON.stringify({ version: 1, binaries: named, ...(conf === undefined ? {} : { conf }) }, undefined, 2)}\n`
}

/** Entries that are not what they should be are left out. */
export function parseInstalled(text: string): Installed {
  const json = parseJson(text, { maxBytes: 1024 * 1024 })
  if (!json.ok || !isObject(json.value) || json.value['version'] !== 1) return NOTHING_INSTALLED
  const { binaries, conf } = json.value
  const entries = Object.entries(isObject(binaries) ? binaries : {})
  return {
    binaries: new Map(entries.flatMap(([name, value]) => (isObject(value) ? parseOwned(name, value) : []))),
    conf: isObject(conf) ? parseWritten(conf) : undefined,
  }
}

function parseOwned(name: string, { sha256, origin }: JsonObject): readonly (readonly [string, OwnedBinary])[] {
  if (typeof sha256 !== 'string' || !/^[A-Za-z0-9._-]+$/.test(name)) return []
  return origin === 'written' || origin === 'adopted' ? [[name, { sha256, origin }]] : []
}

function parseWritten({ name, part }: JsonObject): WrittenConf | undefined {
  return typeof name === 'string' && typeof part === 'string' ? { name, part } : undefined
}
