// Builds the shim: `node cni-shim/build/main.ts --out dist/cni-bin/plexus [--quickjs-source <tarball>]`. The only file of the build that reads env.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { compile } from './compile.ts'
import { ensurePackages } from './packages.ts'
import { quickjs } from './quickjs.ts'

const { values } = parseArgs({
  options: { out: { type: 'string', default: 'dist/cni-bin/plexus' }, 'quickjs-source': { type: 'string' } },
})
const root = resolve(import.meta.dirname, '../..')
const { PLEXUS_CACHE, XDG_CACHE_HOME } = process.env
const cache = join(PLEXUS_CACHE ?? XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'plexus')
const say = (line: string): void => void process.stdout.write(`shim: ${line}\n`)

function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string') return parsed.version
  throw new Error('package.json: version is not a string; write one')
}

try {
  ensurePackages(say)
  const source = values['quickjs-source']
  const toolchain = quickjs({ cache, say, ...(source === undefined ? {} : { source }) })
  const version = packageVersion()
  const folder = join(root, 'cni-shim')
  const out = resolve(values.out)
  const size = compile({ quickjs: toolchain, cache, entry: join(folder, 'main.ts'), native: join(folder, 'native'), version, out })
  say(`${values.out} is version ${version}, ${(size / 1e6).toFixed(2)} MB`)
} catch (error) {
  process.stderr.write(`shim: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
