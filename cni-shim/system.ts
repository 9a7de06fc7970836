// Decides what the shim may ask of the machine. All of it is synchronous: a shim does one thing at a time and then ends.

/** CLOCK_BOOTTIME in ms: counts while the machine sleeps, equal for all processes, comparable within one boot id. */
export interface Clock {
  boottime(): number
  /** Wall clock, RFC 3339, for people only. */
  wallclock(): string
  pause(ms: number): void
}

export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly cause: string }

export type Written = { readonly ok: true } | { readonly ok: false; readonly exists: boolean; readonly cause: string }

export interface Files {
  read(path: string): FileText
  /** Whole and on disk, or not there; `exists` when somebody was first. */
  create(path: string, text: string): Written
  /** Old or new after a crash, never half; new once this returned. */
  replace(path: string, text: string): Written
  /** One O_APPEND write. Above `maxBytes` the file is first renamed to `<path>.1`. */
  append(path: string, text: string, maxBytes: number): Written
  /** Names in a folder; none when it is absent. */
  list(folder: string): readonly string[]
  /** Mode 0700, with parents. */
  makeFolder(path: string): Written
  /** Equal for paths that lead to the same file; undefined when there is none. */
  identity(path: string): string | undefined
}

export type Acquired = { readonly kind: 'held' } | { readonly kind: 'busy' } | { readonly kind: 'failed'; readonly cause: string }

export interface Locks {
  /** Exclusive until this process and every delegate it started have ended. */
  acquire(path: string, timeoutMs: number): Acquired
}

export interface Execution {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly input: string
  readonly timeoutMs: number
  readonly maxBytes: number
}

export type Executed =
  | { readonly kind: 'exited'; readonly code: number; readonly stdout: string }
  | { readonly kind: 'killed'; readonly signal: number }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'too-much-output' }
  /** `busy`: the file is being written (ETXTBSY). */
  | { readonly kind: 'not-started'; readonly reason: 'absent' | 'busy' | 'failed'; readonly cause: string }

export interface Processes {
  /** Runs one program with our stderr; ends its process group at the limit. */
  run(execution: Execution): Executed
}

export type Exchanged = { readonly kind: 'answer'; readonly text: string } | { readonly kind: 'lost'; readonly cause: string }

export interface Connection {
  /** Sends the request and reads until the agent closes; only once. `deadline` is CLOCK_BOOTTIME in ms. */
  exchange(request: string, options: { readonly deadline: number; readonly maxBytes: number }): Exchanged
}

export type Connected = { readonly kind: 'connected'; readonly connection: Connection } | { readonly kind: 'away'; readonly cause: string }

export interface AgentSocket {
  connect(path: string, timeoutMs: number): Connected
}

/** The machine as the shim sees it. Adapter: quickjs/system.ts; fake: system.fake.ts. */
export interface System {
  readonly clock: Clock
  readonly files: Files
  readonly locks: Locks
  readonly processes: Processes
  readonly agent: AgentSocket
}
