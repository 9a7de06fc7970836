// Decides what `make verify` checks and prints one line for each. Never repairs anything: `make generate` and `npm run format` do.
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const FOLDERS = ['api', 'kube', 'operator', 'node-agent', 'cni-shim', 'cli', 'hack', 'e2e'] as const
/** Fewer modules than this mean that the boundary check looked at nothing. */
const LEAST_MODULES = 300
const MOST_LINES = 60

interface Check {
  readonly name: string
  readonly argv: readonly [string, ...string[]]
  /** What the output must say beyond exit code 0; answers a sentence if it does not. */
  readonly judge?: (output: string) => string | undefined
}

const tool = (name: string): string => join(root, 'node_modules/.bin', name)

const CHECKS: readonly Check[] = [
  { name: 'types', argv: [tool('tsc'), '--noEmit'] },
  { name: 'lint', argv: [tool('oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'format', argv: [tool('biome'), 'format', '.'] },
  { name: 'boundaries', argv: [tool('depcruise'), '--config', '.dependency-cruiser.mjs', ...FOLDERS], judge: enoughModules },
  { name: 'dead exports', argv: [tool('knip'), '--no-progress'] },
  { name: 'generated files', argv: [process.execPath, 'hack/generate.ts', '--check'] },
]

function enoughModules(output: string): string | undefined {
  const modules = Number(/(\d+) modules/.exec(output)?.[1] ?? 0)
  return modules >= LEAST_MODULES ? undefined : `only ${modules} modules were looked at, ${LEAST_MODULES} are the least; check the folders`
}

interface Outcome {
  readonly ok: boolean
  readonly output: string
}

/** Runs one check with everything that it prints collected. */
function run({ argv: [command, ...args], judge }: Check): Promise<Outcome> {
  return new Promise((settle) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    const end = (ok: boolean, more?: string): void =>
      settle({ ok, output: [Buffer.concat(chunks).toString('utf8'), more ?? ''].join('\n') })
    child.on('error', (error) => end(false, error.message))
    child.on('close', (code) => {
      const complaint = code === 0 ? judge?.(Buffer.concat(chunks).toString('utf8')) : undefined
      end(code === 0 && complaint === undefined, complaint)
    })
  })
}

/** What a person reads of a failure: the beginning; the tool itself shows the rest. */
function excerpt(output: string): string {
  const lines = output.trim().split('\n')
  const more = lines.length > MOST_LINES ? [`... ${lines.length - MOST_LINES} more lines`] : []
  return [...lines.slice(0, MOST_LINES), ...more].map((line) => `       ${line}`).join('\n')
}

async function main(): Promise<void> {
  const failed: string[] = []
  for (const check of CHECKS) {
    const started = performance.now()
    // One after the other: two cores, and the lines shall come in order.
    // oxlint-disable-next-line no-await-in-loop
    const { ok, output } = await run(check)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${check.name.padEnd(16)} ${seconds} s`)
    if (!ok) {
      failed.push(check.name)
      console.log(excerpt(output))
    }
  }
  if (failed.length > 0) process.exitCode = 1
}

await main()
