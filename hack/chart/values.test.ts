import { valuesSchema } from './schema.ts'
import { type Leaf, readValues } from './values.ts'

const TEXT = `
# About the section.
section:
  # -- What it is.
  # @enum a|b
  word: a
  inner:
    # -- How many.
    count: 2
# -- Free words.
# @open
labels:
  deep: { a: 1 }
# -- A list.
# @items string|object
list: []
# -- The spec.
# @schema NodeNetworkProfile.spec
spec: {}
`

const leaf = (found: ReturnType<typeof readValues>['children'][number] | undefined): Leaf => {
  if (found?.kind !== 'leaf') throw new Error('not a leaf')
  return found
}

describe('readValues', () => {
  it('takes what is described as a value and everything below as its default', () => {
    const [, labels, list] = readValues(TEXT).children
    expect(leaf(labels)).toMatchObject({ path: ['labels'], description: 'Free words.', fallback: { deep: { a: 1 } } })
    expect(leaf(list).marks.get('items')).toBe('string|object')
  })

  it.each([
    ['a value', 'a: 1\n', 'a has no description'],
    ['a value in a section', '# -- A.\na: 1\nb:\n  c: 1\n', 'b.c has no description'],
    ['an empty section', 'a: {}\n', 'a has no description'],
    ['a value below a comment and an empty line', '# -- A.\n\na: 1\n', 'a has no description'],
  ])('names %s without description', (_, text, sentence) => {
    expect(() => readValues(text)).toThrow(sentence)
  })
})

describe('valuesSchema', () => {
  const schema = valuesSchema(readValues(TEXT))

  it('closes every section and leaves open what is marked so', () => {
    expect(schema).toMatchObject({
      additionalProperties: false,
      properties: {
        global: { type: 'object' },
        section: {
          additionalProperties: false,
          properties: {
            word: { description: 'What it is.', enum: ['a', 'b'] },
            inner: { additionalProperties: false, properties: { count: { description: 'How many.', type: 'integer' } } },
          },
        },
        labels: { description: 'Free words.', type: 'object' },
        list: { description: 'A list.', type: 'array', items: { type: ['string', 'object'] } },
      },
    })
  })

  it('closes the spec of the profile at every depth and knows no word of Kubernetes', () => {
    expect(schema).toMatchObject({
      properties: { spec: { additionalProperties: false, properties: { primary: { additionalProperties: false } } } },
    })
    expect(JSON.stringify(schema)).not.toMatch(/x-kubernetes|"default"|"format"/)
  })

  it.each([
    ['an object that is neither described nor open', '# -- A.\na: { b: 1 }\n', 'mark it "# @open"'],
    ['a list of who knows what', '# -- A.\na: []\n', 'say what it holds'],
    ['an unknown schema', '# -- A.\n# @schema Pod.spec\na: {}\n', '"@schema Pod.spec" is not known'],
  ])('refuses %s', (_, text, sentence) => {
    expect(() => valuesSchema(readValues(text))).toThrow(sentence)
  })
})
