// Builds dist/: three bundles, the shim, the reference plugins, Node itself and the version. Decides the order; each step skips what is up to date.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { bundle, type Program } from './build/bundle.ts'
import { prune, put, putExecutables } from './build/copy.ts'

const root = resolve(import.meta.dirname, '..')
const dist = join(root, 'dist')

function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  if (typeof parsed === 'object' && parsed !== null && 'version' in parsed && typeof parsed.version === 'string') return parsed.version
  throw new Error('package.json: version is not a string; write one')
}

const version = packageVersion()

const programs: readonly Program[] = [
  { entry: 'operator/main.ts', out: 'dist/operator.mjs', without: [] },
  { entry: 'node-agent/main.ts', out: 'dist/node-agent.mjs', without: ['@kubernetes/client-node'] },
  { entry: 'cli/main.ts', out: 'dist/plexusctl.mjs', without: [] },
]

/** The Node that runs the bundles: the pinned package, not the one of this machine. */
function nodeBinary(): string {
  const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`)
  return join(dirname(manifest), 'bin/node')
}

/** Runs another tool of the tree with the Node that runs this one; answers its standard output. */
function run(argv: readonly string[], stdout: 'inherit' | 'pipe'): string {
  return execFileSync(process.execPath, argv, { cwd: root, encoding: 'utf8', stdio: ['ignore', stdout, 'inherit'] }) ?? ''
}

interface Step {
  readonly name: string
  /** Answers a few words about what was made. */
  readonly make: () => Promise<string> | string
}

const steps: readonly Step[] = [
  ...programs.map((program) => ({
    name: program.out,
    make: async () => `${((await bundle(root, program)) / 1024).toFixed(0)} KB`,
  })),
  {
    name: 'dist/cni-bin: reference plugins',
    make: () => {
      const folder = run(['e2e/cluster/main.ts', 'plugins'], 'pipe').trim()
      const names = putExecutables(folder, join(dist, 'cni-bin'))
      prune(join(dist, 'cni-bin'), [...names, 'plexus'])
      return `${names.length} plugins`
    },
  },
  {
    name: 'dist/cni-bin/plexus',
    make: () => {
      run(['cni-shim/build/main.ts', '--out', 'dist/cni-bin/plexus'], 'inherit')
      return `${(readFileSync(join(dist, 'cni-bin/plexus')).length / 1024).toFixed(0)} KB`
    },
  },
  {
    name: 'dist/node, dist/version',
    make: () => {
      put(join(dist, 'node'), readFileSync(nodeBinary()), 0o755)
      put(join(dist, 'version'), Buffer.from(`${version}\n`), 0o644)
      return `Node ${process.versions.node}, Plexus ${version}`
    },
  },
]

try {
  for (const [index, { name, make }] of steps.entries()) {
    const started = performance.now()
    const made = await make()
    console.log(`[${index + 1}/${steps.length}] ${name}: ${made}, ${((performance.now() - started) / 1000).toFixed(1)} s`)
  }
  prune(dist, [
    ...programs.flatMap(({ out }) => [out, `${out}.map`].map((path) => path.slice('dist/'.length))),
    'cni-bin',
    'node',
    'version',
  ])
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
