// Carries out System with QuickJS and the C module. Decides nothing.
import * as os from 'quickjs-os'
import * as std from 'quickjs-std'
import * as usock from 'usock'
import type { AgentSocket, Clock, Connected, Executed, Execution, Locks, Processes, System } from '../system.ts'
import { quickjsFiles } from './files.ts'

const ENOENT = 2
const ETXTBSY = 26
const EMSGSIZE = 90
const ETIMEDOUT = 110

export function quickjsSystem(): System {
  const held: number[] = [] // Lock fds: delegates inherit the last one, so it stays held while one of them lives.
  const locks: Locks = {
    acquire: (path, timeoutMs) => {
      const fd = usock.lock(path, timeoutMs)
      if (fd < 0) return fd === -ETIMEDOUT ? { kind: 'busy' } : { kind: 'failed', cause: std.strerror(-fd) }
      held.push(fd)
      return { kind: 'held' }
    },
  }
  const processes: Processes = { run: (execution) => run(execution, held.at(-1) ?? -1) }
  return { clock, files: quickjsFiles(), locks, processes, agent }
}

const clock: Clock = {
  boottime: usock.boottime,
  wallclock: () => new Date().toISOString(),
  pause: (ms) => void os.sleep(ms),
}

function run(execution: Execution, keepFd: number): Executed {
  const env = Object.entries(execution.env).map(([key, value]) => `${key}=${value}`)
  const done = usock.run(execution.file, env, execution.input, [keepFd, execution.timeoutMs, execution.maxBytes])
  if (typeof done !== 'number') {
    const [code, signal, stdout] = done
    return signal > 0 ? { kind: 'killed', signal } : { kind: 'exited', code, stdout }
  }
  if (done === -ETIMEDOUT) return { kind: 'timeout' }
  if (done === -EMSGSIZE) return { kind: 'too-much-output' }
  const reason = done === -ENOENT ? 'absent' : done === -ETXTBSY ? 'busy' : 'failed'
  return { kind: 'not-started', reason, cause: std.strerror(-done) }
}

const agent: AgentSocket = {
  connect: (path, timeoutMs): Connected => {
    const fd = usock.connect(path, timeoutMs)
    if (fd < 0) return { kind: 'away', cause: std.strerror(-fd) }
    return {
      kind: 'connected',
      connection: {
        exchange: (request, { deadline, maxBytes }) => {
          const text = usock.exchange(fd, deadline, maxBytes, request)
          os.close(fd)
          return typeof text === 'string' ? { kind: 'answer', text } : { kind: 'lost', cause: std.strerror(-text) }
        },
      },
    }
  },
}
