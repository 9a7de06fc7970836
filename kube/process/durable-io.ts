// Adapter of the durable steps to node:fs: only what waits for the disk goes through libuv's threads. Decides nothing about their order.
import { closeSync, fchmodSync, fstatSync, fsync, link, open, openSync, rename, unlink, writeFile } from 'node:fs'
import { promisify } from 'node:util'

/** An open file or directory. */
export interface DurableFile {
  writeFile(bytes: string | Uint8Array): Promise<void>
  /** Sets the mode exactly, whatever the umask. */
  chmod(mode: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

/** What the durable steps go through; tests count and break them. */
export interface DurableIo {
  /** `wx` creates a file of our own; `r` opens a directory. */
  open(path: string, flags: 'wx' | 'r', mode?: number): Promise<DurableFile>
  rename(from: string, to: string): Promise<void>
  link(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
}

const later = {
  open: promisify(open),
  writeFile: promisify(writeFile),
  fsync: promisify(fsync),
  rename: promisify(rename),
  link: promisify(link),
  unlink: promisify(unlink),
}

/** The file system. A step through a thread costs some 20 us of CPU, the call itself 2 (measured): what never waits for a disk is called at once. */
export function systemDurableIo(): DurableIo {
  return {
    open: async (path, flags, mode) => fileOf(flags === 'r' ? openSync(path, 'r') : await later.open(path, flags, mode)),
    rename: later.rename,
    link: later.link,
    unlink: later.unlink,
  }
}

function fileOf(fd: number): DurableFile {
  return {
    writeFile: (bytes) => later.writeFile(fd, bytes),
    chmod: async (mode) => {
      if ((fstatSync(fd).mode & 0o7777) !== mode) fchmodSync(fd, mode)
    },
    sync: () => later.fsync(fd),
    close: async () => closeSync(fd),
  }
}
