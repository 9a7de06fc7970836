// Declares what the shim uses of QuickJS's `std` and `os` (as `quickjs-…`: `os` is Node's everywhere else) and of our C module. A failure is a negative errno.

declare module 'quickjs-std' {
  export interface StdFile {
    puts(text: string): void
    flush(): void
    readAsString(): string
  }
  const stdin: StdFile
  const stdout: StdFile
  const stderr: StdFile
  export { stdin as in, stdout as out, stderr as err }
  export function getenviron(): Record<string, string>
  export function exit(code: number): never
  export function strerror(errno: number): string
}

declare module 'quickjs-os' {
  export interface Stat {
    readonly dev: number
    readonly ino: number
    readonly mode: number
    readonly size: number
  }
  export function close(fd: number): number
  export function remove(path: string): number
  export function rename(from: string, to: string): number
  export function mkdir(path: string, mode: number): number
  export function readdir(path: string): [names: string[], errno: number]
  export function stat(path: string): [stat: Stat | null, errno: number]
  export function getpid(): number
  export function sleep(ms: number): number
}

declare module 'usock' {
  /** CLOCK_BOOTTIME in ms. */
  export function boottime(): number
  /** A connected unix stream socket. */
  export function connect(path: string, timeoutMs: number): number
  /** Sends all of `request`, reads until the peer closes. `deadline` is CLOCK_BOOTTIME in ms. */
  export function exchange(fd: number, deadline: number, maxBytes: number, request: string): string | number
  /** An fd that holds an exclusive flock on the file that `path` names now. */
  export function lock(path: string, timeoutMs: number): number
  /** Never follows a symlink in the last part. */
  export function readFile(path: string, maxBytes: number): string | number
  /** A new file (O_EXCL, mode 0600) whose bytes are on disk. */
  export function createFile(path: string, text: string): number
  /** Not synced. */
  export function appendFile(path: string, text: string): number
  export function syncDirectory(path: string): number
  export function link(from: string, to: string): number
  /** Runs `file` with stderr inherited and `keepFd` (or -1) open. Limits kill its process group. */
  export function run(
    file: string,
    env: readonly string[],
    input: string,
    limits: readonly [keepFd: number, timeoutMs: number, maxBytes: number],
  ): [exitCode: number, signal: number, stdout: string] | number
  /** `plexus-cni-shim <version>`. */
  export const marker: string
}
