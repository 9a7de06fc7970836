// Writes every generated file anew; `--check` writes nothing and fails on drift. Decides nothing else.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { generateConfig } from './gen-config.ts'
import { generateChart } from './gen-chart.ts'
import { generateCrds } from './gen-crds.ts'
import { generateDocs } from './gen-docs.ts'
import { drifted, type Generated, writeGenerated } from './generated.ts'

const root = resolve(import.meta.dirname, '..')
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const own: readonly Generated[] = [...generateCrds(), ...generateChart(root), ...generateDocs(root)]
const ownStale = drifted(root, own)
if (!values.check) writeGenerated(root, own) // The chart is rendered below with its new schema.
const files = [...own, ...(await generateConfig(root, process.env))]
const stale = [...new Set([...ownStale, ...drifted(root, files)])]

if (values.check && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}; run "make generate" and commit the result`)
  process.exitCode = 1
} else if (!values.check) {
  writeGenerated(root, files)
}
console.log(`${files.length} generated files, ${stale.length} ${values.check ? 'stale' : 'written'}`)
