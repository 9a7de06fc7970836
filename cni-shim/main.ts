// Starts the shim in QuickJS: reads environment and stdin, prints, ends. The only file that does so.
import * as std from 'quickjs-std'
import * as usock from 'usock'
import { quickjsSystem } from './quickjs/system.ts'
import { shim } from './shim.ts'

const startedAt = usock.boottime()
const environ = std.getenviron()
const asked = (environ['CNI_COMMAND'] ?? '') !== ''
const ending = shim(quickjsSystem(), { environ, stdin: asked ? std.in.readAsString() : '', startedAt, about: usock.marker })
std.out.puts(ending.stdout)
std.out.flush()
std.err.puts(ending.stderr)
std.err.flush()
std.exit(ending.exitCode)
