// Decides how QuickJS's compiler and its library for static binaries are built, once per machine and recipe.
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cached, hashOf } from './cache.ts'
import { fetchQuickjs, QUICKJS } from './quickjs-source.ts'
import { run } from './run.ts'

/** Change it when the recipe below changes. */
const RECIPE = '1'

/** `qjsc` runs here; `library` and `headers` belong to the static binary. `hash` names all of it. */
export interface Quickjs {
  readonly hash: string
  readonly qjsc: string
  readonly library: string
  readonly headers: string
}

/** Builds QuickJS, or takes it from the cache. `source` is a tarball to use instead of Debian's mirror. */
export function quickjs(options: { readonly cache: string; readonly source?: string; readonly say: (line: string) => void }): Quickjs {
  const hash = hashOf([QUICKJS.sha256, RECIPE, process.arch, run({ program: 'gcc', args: ['-dumpfullversion'] })])
  const folder = cached(options.cache, `quickjs-${hash}`, (work) => {
    options.say(`building QuickJS ${QUICKJS.version} (about a minute, once)`)
    const scratch = join(work, 'scratch')
    mkdirSync(scratch)
    const tarball = fetchQuickjs(scratch, options.source)
    const tree = join(scratch, 'tree')
    mkdirSync(tree)
    run({ program: 'tar', args: ['-xJf', tarball, '-C', tree, '--strip-components=1'] })
    make(tree, ['qjsc'])
    copyFileSync(join(tree, 'qjsc'), join(work, 'qjsc'))
    make(tree, ['clean'])
    // One section per function lets the linker drop what the shim never calls.
    make(tree, ['CC=musl-gcc -ffunction-sections -fdata-sections', 'libquickjs.a'])
    for (const file of ['libquickjs.a', 'quickjs.h', 'quickjs-libc.h']) copyFileSync(join(tree, file), join(work, file))
    rmSync(scratch, { recursive: true })
  })
  return { hash, qjsc: join(folder, 'qjsc'), library: join(folder, 'libquickjs.a'), headers: folder }
}

function make(tree: string, targets: readonly string[]): void {
  run({ program: 'nice', args: ['make', '-s', 'CONFIG_LTO=', ...targets], cwd: tree })
}
