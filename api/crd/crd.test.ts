import { z } from 'zod'
import type { Json } from '#api/json'
import { crdName, crdOf } from './crd.ts'
import { DEFINITIONS, type Definition, networkAttachmentDefinitionCrd, nodeNetworkProfileCrd } from './definitions.ts'
import { toStructural } from './structural.ts'

/** The value at a path of keys; undefined where the path ends early. */
function at(value: Json | undefined, ...path: readonly (string | number)[]): Json | undefined {
  const [first, ...rest] = path
  if (first === undefined || typeof value !== 'object' || value === null) return value
  return at(Object.entries(value).find(([key]) => key === String(first))?.[1], ...rest)
}

function built(definition: Definition): Json {
  const outcome = crdOf(definition)
  if (!outcome.ok) throw new Error(outcome.findings.join('\n'))
  return outcome.crd
}

const specOf = (definition: Definition): Json | undefined =>
  at(built(definition), 'spec', 'versions', 0, 'schema', 'openAPIV3Schema', 'properties', 'spec')

const columnsOf = (definition: Definition): readonly (readonly [Json | undefined, Json | undefined])[] => {
  const columns = at(built(definition), 'spec', 'versions', 0, 'additionalPrinterColumns')
  return Array.isArray(columns) ? columns.map((column: Json) => [at(column, 'name'), at(column, 'priority')] as const) : []
}

describe('CRDs', () => {
  it.each(DEFINITIONS.map((definition) => [definition.kind, definition] as const))('%s is fit for an API server', (_, definition) => {
    const crd = built(definition)
    expect(at(crd, 'metadata', 'name')).toBe(crdName(definition))
    expect(at(crd, 'spec', 'names', 'categories')).toEqual(['multinet'])
    expect(at(crd, 'spec', 'versions', 0, 'subresources')).toEqual({ status: {} })
  })

  it('shows the columns that users of networks look for', () => {
    expect(columnsOf(networkAttachmentDefinitionCrd)).toEqual([
      ['Type', undefined],
      ['IPAM', undefined],
      ['Ready', undefined],
      ['Nodes', undefined],
      ['Pods', undefined],
      ['Age', undefined],
      ['Reason', 1],
      ['Message', 1],
      ['CNIVersion', 1],
    ])
  })

  it('keeps the short name of upstream and adds ours', () => {
    expect(at(built(networkAttachmentDefinitionCrd), 'spec', 'names', 'shortNames')).toEqual(['net-attach-def', 'nad'])
  })

  it('is not stricter than upstream and completes nothing in objects of the shared kind', () => {
    const spec = specOf(networkAttachmentDefinitionCrd)
    expect(at(spec, 'properties', 'config')).toEqual({ type: 'string', description: expect.any(String) })
    expect(at(spec, 'required')).toBeUndefined()
    expect(JSON.stringify(spec)).not.toContain('"default"')
  })

  it('writes out the defaults of our own kinds', () => {
    expect(at(specOf(nodeNetworkProfileCrd), 'default')).toEqual({})
    expect(at(specOf(nodeNetworkProfileCrd), 'properties', 'withoutAgent', 'default')).toBe('PrimaryOnly')
    expect(at(specOf(nodeNetworkProfileCrd), 'required')).toBeUndefined()
  })

  it('names kind and field of a schema that no API server takes', () => {
    const schema = z.object({ spec: z.object({ free: z.string() }) })
    expect(crdOf({ ...nodeNetworkProfileCrd, schema })).toEqual({
      ok: false,
      findings: ['NodeNetworkProfile: spec.free: a string without maxLength; add .max()'],
    })
  })
})

describe('toStructural', () => {
  it('keeps a property that is called like a word of the schema language', () => {
    const schema = z.object({ default: z.boolean(), $schema: z.boolean().default(true) })
    expect(toStructural(schema, { defaults: false })).toEqual({
      type: 'object',
      properties: { default: { type: 'boolean' }, $schema: { type: 'boolean' } },
      required: ['default'],
    })
  })

  it('says int64 instead of the bounds of a double', () => {
    expect(toStructural(z.int())).toEqual({ type: 'integer', format: 'int64' })
    expect(toStructural(z.int().max(5))).toEqual({ type: 'integer', maximum: 5, format: 'int64' })
  })
})
