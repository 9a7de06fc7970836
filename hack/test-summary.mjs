// Decides how a test run ends: prints the one closing line that CI reads, and fails a run whose skips are not listed with a reason.
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const listed = () => JSON.parse(readFileSync(join(import.meta.dirname, 'listed-skips.json'), 'utf8'))

/** A Jest reporter. Totals are appended to the file named by TEST_TOTALS, so that `make test` can add up several runs. */
export default class TestSummary {
  #error

  onRunComplete(_contexts, results) {
    const skipped = results.testResults.flatMap((suite) =>
      suite.testResults.filter((test) => test.status === 'pending' || test.status === 'todo').map((test) => test.fullName),
    )
    const reasons = listed()
    for (const name of skipped) {
      const reason = reasons.find((entry) => name.includes(entry.test))?.needs
      console.log(reason === undefined ? `UNLISTED SKIP: ${name}` : `skipped, needs ${reason}: ${name}`)
      if (reason === undefined) this.#error = new Error(`a test was skipped without a reason in hack/listed-skips.json: ${name}`)
    }
    const brokenSuites = results.testResults.filter((suite) => suite.testExecError !== undefined && suite.testExecError !== null).length
    const totals = { passed: results.numPassedTests, failed: results.numFailedTests + brokenSuites, skipped: skipped.length }
    if (process.env.TEST_TOTALS !== undefined) appendFileSync(process.env.TEST_TOTALS, `${JSON.stringify(totals)}\n`)
    console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
  }

  getLastError() {
    return this.#error
  }
}
