// A Log for tests that remembers its lines.
import type { Log, LogFields } from './log.ts'

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

export interface FakeLog extends Log {
  readonly lines: readonly LogLine[]
  /** Messages of one level. */
  messages(level: LogLine['level']): readonly string[]
}

export function fakeLog(): FakeLog {
  const lines: LogLine[] = []
  const within = (fixed: LogFields): FakeLog => {
    const at =
      (level: LogLine['level']) =>
      (message: string, fields?: LogFields): void =>
        void lines.push({ level, message, fields: { ...fixed, ...fields } })
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => within({ ...fixed, ...fields }),
      lines,
      messages: (level) => lines.filter((line) => line.level === level).map((line) => line.message),
    }
  }
  return within({})
}
