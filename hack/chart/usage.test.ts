import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Group, readValues } from './values.ts'

const chart = resolve(import.meta.dirname, '../../charts/plexus')
const paths = ({ children }: Group): readonly string[] =>
  children.flatMap((child) => (child.kind === 'leaf' ? [child.path.join('.')] : paths(child)))

const values = paths(readValues(readFileSync(join(chart, 'values.yaml'), 'utf8')))
const templates = globSync('templates/**/*.{yaml,tpl,txt}', { cwd: chart }).map((path) => readFileSync(join(chart, path), 'utf8'))
const used = [
  ...new Set(
    templates.flatMap((text) =>
      [...text.matchAll(/\.Values\.([A-Za-z.]+)|\$paths\.([A-Za-z]+)/g)].map(([, path, host]) => path ?? `agent.hostPaths.${host}`),
    ),
  ),
]

describe('values of the chart', () => {
  it.each(values.map((path) => [path]))('%s is used by a template', (path) => {
    expect(used).toContain(path)
  })

  it.each(used.map((path) => [path]))('%s, which a template uses, exists', (path) => {
    expect(values.some((value) => value === path || value.startsWith(`${path}.`) || path.startsWith(`${value}.`))).toBe(true)
  })
})
