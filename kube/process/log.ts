// Decides the shape of logging for every process: five methods, a constant message and fields. Never formats and never writes a line itself.

/** Fields of one line. Never put a credential here: the adapter redacts known names, it cannot know all of them. */
export type LogFields = Readonly<Record<string, unknown>>

/** The log port. `message` is a constant, everything that varies goes to `fields`; an Error is given as field `error`. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A log whose every line carries `fields` as well. */
  child(fields: LogFields): Log
}
