// Decides what of the chart is generated: values.schema.json and the table of values in its README, both from values.yaml.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesSchema } from './chart/schema.ts'
import { type Group, type Leaf, readValues } from './chart/values.ts'
import { betweenMarkers, type Generated } from './generated.ts'

const CHART = 'charts/plexus'

export function generateChart(root: string): readonly Generated[] {
  const read = (path: string): string => readFileSync(join(root, CHART, path), 'utf8')
  const values = readValues(read('values.yaml'))
  return [
    { path: `${CHART}/values.schema.json`, text: `${JSON.stringify(valuesSchema(values), undefined, 2)}\n` },
    { path: `${CHART}/README.md`, text: betweenMarkers(read('README.md'), 'values', table(values)) },
  ]
}

const leavesOf = (group: Group): readonly Leaf[] => group.children.flatMap((child) => (child.kind === 'leaf' ? [child] : leavesOf(child)))

function table(values: Group): string {
  const rows = leavesOf(values).map(
    (leaf) => `| \`${leaf.path.join('.')}\` | ${cell(leaf.description)} | \`${cell(JSON.stringify(leaf.fallback))}\` |`,
  )
  return ['| Value | Meaning | Default |', '|---|---|---|', ...rows].join('\n')
}

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`)
