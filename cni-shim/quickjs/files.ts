// Carries out Files with QuickJS: temp file, fsync, link or rename, fsync of the folder. Decides nothing.
import * as os from 'quickjs-os'
import * as std from 'quickjs-std'
import * as usock from 'usock'
import type { Files, FileText, Written } from '../system.ts'

/** Larger than any record: 256 attachments with configs of 128 KiB do not occur, but a limit must be somewhere. */
const MAX_FILE_BYTES = 64 * 1024 * 1024
const ENOENT = 2
const EEXIST = 17

export function quickjsFiles(): Files {
  return {
    read,
    create: (path, text) => publish(path, text, usock.link),
    replace: (path, text) => publish(path, text, os.rename),
    append,
    list,
    makeFolder,
    identity,
  }
}

function read(path: string): FileText {
  const text = usock.readFile(path, MAX_FILE_BYTES)
  if (typeof text === 'string') return { kind: 'text', text }
  return text === -ENOENT ? { kind: 'absent' } : { kind: 'unreadable', cause: std.strerror(-text) }
}

function publish(path: string, text: string, into: (from: string, to: string) => number): Written {
  const folder = folderOf(path)
  const temporary = `${folder}/.${path.slice(folder.length + 1)}.${os.getpid()}.tmp`
  os.remove(temporary) // A shim with our pid that was killed here left it.
  const made = usock.createFile(temporary, text)
  const published = made < 0 ? made : into(temporary, path)
  os.remove(temporary)
  return written(published < 0 ? published : usock.syncDirectory(folder))
}

function append(path: string, text: string, maxBytes: number): Written {
  const [stat] = os.stat(path)
  if (stat !== null && stat.size > maxBytes) os.rename(path, `${path}.1`)
  return written(usock.appendFile(path, text))
}

function list(folder: string): readonly string[] {
  return os.readdir(folder)[0].filter((name) => !name.startsWith('.'))
}

function makeFolder(path: string): Written {
  if (os.stat(path)[1] === 0) return { ok: true }
  const parent = folderOf(path)
  if (parent !== '') {
    const above = makeFolder(parent)
    if (!above.ok) return above
  }
  const made = os.mkdir(path, 0o700)
  return written(made === -EEXIST ? 0 : made)
}

function identity(path: string): string | undefined {
  const [stat] = os.stat(path)
  return stat === null ? undefined : `${stat.dev}:${stat.ino}`
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

function written(result: number): Written {
  return result < 0 ? { ok: false, exists: result === -EEXIST, cause: std.strerror(-result) } : { ok: true }
}
