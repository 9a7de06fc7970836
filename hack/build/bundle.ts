// Decides how a program becomes one file: bundled, minified, its source map beside it. Never decides what a program imports, only what it must not.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** One program of the image. */
export interface Program {
  readonly entry: string
  readonly out: string
  /** Packages that must not get in: each costs memory on every node. */
  readonly without: readonly string[]
}

/** Packages that were written for require() expect it; in an ES module it has to be made. */
const REQUIRE = "import{createRequire as plexusRequire}from'node:module';const require=plexusRequire(import.meta.url);"

/** zod carries its messages in fifty languages; ours are sentences of our own. Saves 300 KB in each process. */
const oneLanguage: Plugin = {
  name: 'one-language',
  setup: (bundler) => {
    bundler.onLoad({ filter: /[/\\]zod[/\\]v4[/\\]locales[/\\]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
      loader: 'js',
    }))
  },
}

/** Of undici only the Agent is used; its index loads fetch, caches and mocks too. What client-node brings in needs all of it. */
const agentAlone: Plugin = {
  name: 'agent-alone',
  setup: (bundler) => {
    bundler.onLoad({ filter: /[/\\]undici[/\\]index\.js$/ }, () => ({
      contents: [
        "Object.assign(require('./lib/dispatcher/dispatcher.js').prototype, require('./lib/api/index.js'))",
        "module.exports = { Agent: require('./lib/dispatcher/agent.js') }",
      ].join('\n'),
      loader: 'js',
    }))
  },
}

/** Bundles one program and answers its size in bytes. Throws when a forbidden package got in, naming the file that imports it. */
export async function bundle(root: string, program: Program): Promise<number> {
  const out = join(root, program.out)
  mkdirSync(dirname(out), { recursive: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [program.entry],
    outfile: program.out,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    sourcemap: 'external',
    legalComments: 'none',
    metafile: true,
    logLevel: 'error',
    plugins: program.without.includes('@kubernetes/client-node') ? [oneLanguage, agentAlone] : [oneLanguage],
    banner: { js: REQUIRE },
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  refuseForbidden(program, metafile.inputs)
  return metafile.outputs[program.out]?.bytes ?? 0
}

type Inputs = Readonly<Record<string, { readonly imports: readonly { readonly path: string }[] }>>

function refuseForbidden({ entry, without }: Program, inputs: Inputs): void {
  for (const name of without) {
    const folder = `node_modules/${name}/`
    const importer = Object.entries(inputs).find(
      ([path, { imports }]) => !path.startsWith(folder) && imports.some((i) => i.path.startsWith(folder)),
    )
    if (importer !== undefined)
      throw new Error(`${entry} must not contain ${name}, but ${importer[0]} imports it; use the port in kube/ instead`)
  }
}
