// Adapter of the Log port to winston: one JSON line per call on a stream (standard error unless told otherwise). Decides nothing about content.
import type { Writable } from 'node:stream'
import { createLogger, format, transports } from 'winston'
import { formatLine } from './log-line.ts'
import type { Log, LogFields } from './log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
const levels = { error: 0, warn: 1, info: 2, debug: 3 } as const satisfies Record<LogLevel, number>

export interface WinstonLogOptions {
  readonly level: LogLevel
  /** Where lines go, normally process.stderr. */
  readonly stream: Writable
  /** Fields of every line, for example the component's name. */
  readonly fields?: LogFields
  readonly now?: () => Date
}

/** Opens the log of a process. */
export function openWinstonLog(options: WinstonLogOptions): Log {
  const now = options.now ?? ((): Date => new Date())
  const logger = createLogger({
    levels,
    level: options.level,
    format: format.printf(({ level, message, fields }) =>
      formatLine({ at: now(), level, message: String(message), fields: asFields(fields) }),
    ),
    transports: [new transports.Stream({ stream: options.stream, eol: '\n' })],
  })
  const within = (fixed: LogFields): Log => {
    // A disabled winston call still costs 2 microseconds, so the level is checked here first.
    const at =
      (level: LogLevel) =>
      (message: string, fields?: LogFields): void => {
        if (levels[level] <= levels[options.level]) logger.log({ level, message, fields: { ...fixed, ...fields } })
      }
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (fields) => within({ ...fixed, ...fields }),
    }
  }
  return within(options.fields ?? {})
}

function asFields(value: unknown): LogFields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
}
