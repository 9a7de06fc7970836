// Decides how TypeScript becomes one static binary: esbuild, then QuickJS bytecode, then musl. Never decides what the shim does.
import { copyFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSync } from 'esbuild'
import { cached, hashOf } from './cache.ts'
import type { Quickjs } from './quickjs.ts'
import { run } from './run.ts'

/** A larger binary means that something heavy was imported; the build fails. */
const MAX_BINARY_BYTES = 1.5 * 1024 * 1024

/** Its first two words name the file, the third a version; the agent recognises its own binaries by it. */
const MARKER = 'plexus-cni-shim'

const C_FILES = ['usock.c', 'usock-socket.c', 'usock-files.c', 'usock-process.c']
const FLAGS = ['-static', '-Os', '-s', '-Wl,--gc-sections', '-D_GNU_SOURCE']

export interface Binary {
  readonly quickjs: Quickjs
  readonly cache: string
  /** Entry of the bundle, for example cni-shim/main.ts. */
  readonly entry: string
  /** Folder of the C module. */
  readonly native: string
  readonly version: string
  readonly out: string
}

/** Builds the binary, or takes it from the cache, and puts it at `out` by rename. Returns its size in bytes. */
export function compile(binary: Binary): number {
  const { quickjs, native, version } = binary
  const script = bundle(binary.entry, version)
  const sources = [...C_FILES, 'usock.h'].map((name) => readFileSync(join(native, name)))
  const hash = hashOf([quickjs.hash, version, FLAGS.join(' '), script, ...sources])
  const folder = cached(binary.cache, `shim-${hash}`, (work) => {
    writeFileSync(join(work, 'shim.js'), script)
    run({ program: quickjs.qjsc, args: ['-e', '-m', '-s', '-M', 'usock,usock', '-o', 'shim.c', 'shim.js'], cwd: work })
    const sourceFiles = C_FILES.map((name) => join(native, name))
    const defines = [`-DSHIM_VERSION="${version}"`, `-I${quickjs.headers}`]
    const args = [...FLAGS, ...defines, '-o', 'plexus', 'shim.c', ...sourceFiles, quickjs.library, '-lm', '-lpthread', '-latomic']
    run({ program: 'musl-gcc', args, cwd: work })
  })
  const built = join(folder, 'plexus')
  const size = statSync(built).size
  if (size > MAX_BINARY_BYTES) throw new Error(`the shim has ${size} bytes, above ${MAX_BINARY_BYTES}; look for a heavy import`)
  if (!readFileSync(built).includes(`${MARKER} ${version}`)) throw new Error(`the shim lacks its marker "${MARKER} ${version}"`)
  mkdirSync(dirname(binary.out), { recursive: true })
  copyFileSync(built, `${binary.out}.new`)
  renameSync(`${binary.out}.new`, binary.out) // Never over a file that is being executed.
  return size
}

function bundle(entry: string, version: string): string {
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    alias: { 'quickjs-std': 'std', 'quickjs-os': 'os' },
    external: ['std', 'os', 'usock'],
    define: { SHIM_VERSION: JSON.stringify(version) },
    logLevel: 'silent',
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error(`${entry} gave no bundle`)
  return file.text
}
