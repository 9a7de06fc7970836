// Decides how `make test` proceeds: verify, unit, build, cluster, one after the other, and what the closing line says. Never runs a test itself.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Step {
  readonly name: string
  readonly argv: readonly string[]
  /** Steps after a failed one still run unless they need it. */
  readonly needs?: string
  /** Jest suites report their totals; a step without them counts as one test. */
  readonly reports: boolean
}

interface Totals {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const node = process.execPath
const jest = [node, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js']

/** Slow machines are no failure; a handle that a failed test left open must not hold up the run. */
const BOUNDS = ['--testTimeout=60000', '--forceExit']

const STEPS: readonly Step[] = [
  { name: 'verify', argv: [node, 'hack/verify.ts'], reports: false },
  { name: 'unit', argv: [...jest, '--selectProjects', 'unit', ...BOUNDS], reports: true },
  { name: 'build', argv: [node, 'hack/build.ts'], reports: false },
  { name: 'cluster', argv: [node, 'e2e/suites/run.ts'], needs: 'build', reports: true },
]

const add = (a: Totals, b: Totals): Totals => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped })

function readTotals(file: string): Totals {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  return lines.map((line): Totals => JSON.parse(line)).reduce(add, { passed: 0, failed: 0, skipped: 0 })
}

/** Runs one step in the foreground and answers its totals. A step that dies without totals counts as one failure. */
function runStep(step: Step, position: string, scratch: string): Totals {
  const started = performance.now()
  console.log(`\n[${position}] ${step.name}`)
  const totalsFile = join(scratch, `${step.name}.totals`)
  const [command = node, ...args] = step.argv
  const ended = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, TEST_TOTALS: totalsFile } })
  console.log(
    `[${position}] ${step.name}: ${ended.status === 0 ? 'ok' : 'FAILED'} after ${Math.round((performance.now() - started) / 1000)} s`,
  )
  const totals = readTotals(totalsFile)
  if (!step.reports) return { passed: ended.status === 0 ? 1 : 0, failed: ended.status === 0 ? 0 : 1, skipped: 0 }
  return ended.status !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals
}

function main(): void {
  const scratch = mkdtempSync(join(tmpdir(), 'plexus-test-'))
  const failedSteps = new Set<string>()
  let sum: Totals = { passed: 0, failed: 0, skipped: 0 }
  STEPS.forEach((step, index) => {
    const position = `${index + 1}/${STEPS.length}`
    if (step.needs !== undefined && failedSteps.has(step.needs)) {
      console.log(`\n[${position}] ${step.name}: not run, because ${step.needs} failed`)
      sum = add(sum, { passed: 0, failed: 1, skipped: 0 })
      return
    }
    const totals = runStep(step, position, scratch)
    if (totals.failed > 0) failedSteps.add(step.name)
    sum = add(sum, totals)
  })
  rmSync(scratch, { recursive: true, force: true })
  console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
  process.exitCode = sum.failed === 0 ? 0 : 1
}

main()
