import * as fc from 'fast-check'
import { z } from 'zod'
import { lintStructural } from './lint.ts'
import { toStructural } from './structural.ts'

const findings = (field: z.ZodType): readonly string[] => lintStructural(toStructural(z.object({ field })))

describe('lintStructural', () => {
  it.each<[string, z.ZodType, string]>([
    ['a union', z.union([z.string().max(1), z.int()]), '"anyOf" is not structural'],
    ['a value of any type', z.unknown(), 'has no type'],
    ['an open object', z.looseObject({ a: z.int() }), 'has properties and additionalProperties'],
    ['a string without bound', z.string(), 'a string without maxLength'],
    ['a list without bound', z.array(z.int()), 'a list without maxItems'],
    ['a list whose merge is not said', z.array(z.int()).max(2), 'a list without x-kubernetes-list-type'],
    ['a string without bound inside a record', z.record(z.string(), z.string()), 'field{}: a string without maxLength'],
  ])('refuses %s and names the field', (_, field, sentence) => {
    const found = findings(field)
    expect(found.join('\n')).toContain(sentence)
    expect(found.every((line) => line.startsWith('field'))).toBe(true)
  })

  it.each<[string, z.ZodType]>([
    ['a choice of words', z.enum(['A', 'B'])],
    ['a bounded list', z.array(z.int()).max(2).meta({ 'x-kubernetes-list-type': 'atomic' })],
    ['a bounded record', z.record(z.string(), z.string().max(3))],
    ['an object with defaults', z.object({ a: z.int().default(1) }).default({ a: 1 })],
  ])('takes %s', (_, field) => {
    expect(findings(field)).toEqual([])
  })

  it('leaves open what somebody else has left open, and only that', () => {
    const schema = toStructural(z.object({ theirs: z.string(), ours: z.string() }))
    expect(lintStructural(schema, ['theirs'])).toEqual(['ours: a string without maxLength; add .max()'])
  })

  it('finds a bad field at any depth', () => {
    const depth = fc.integer({ min: 0, max: 6 })
    fc.assert(
      fc.property(depth, (levels) => {
        const nested = Array.from({ length: levels }).reduce<z.ZodType>((inner) => z.object({ inner }), z.string())
        return findings(nested).length === 1
      }),
    )
  })
})
