// Holds the decoder of protobuf messages to the wire format and to refusing everything else.
import { array, assert, integer, property, string, tuple, uint8Array } from 'fast-check'
import { fieldsOf, ProtobufError, textOf } from './protobuf.ts'
import { message, type Part } from './testing/encode.ts'

const fields = (bytes: Uint8Array): readonly unknown[] =>
  [...fieldsOf(bytes)].map(({ number, bytes }) => (bytes === undefined ? [number] : [number, textOf(bytes)]))

describe('the fields of a protobuf message', () => {
  it('are read whatever lies between them', () => {
    const fixed = Buffer.from([(9 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8, (10 << 3) | 5, 1, 2, 3, 4])
    const bytes = Buffer.concat([message([1, 'a'], [2, 300], [3, '']), fixed, message([200, 'z'])])
    expect(fields(bytes)).toEqual([[1, 'a'], [2], [3, ''], [9], [10], [200, 'z']])
  })

  it('are the ones that were written', () => {
    const part = tuple(integer({ min: 1, max: 536_870_911 }), string({ unit: 'binary', maxLength: 300 }))
    assert(property(array(part), (parts) => expect(fields(message(...parts.map((one): Part => one)))).toEqual(parts)))
  })

  it.each([
    ['ends within a field', [0x0a, 5, 1]],
    ['ends within a number', [0x0a, 0x80]],
    ['ends within a field', [0x0d, 1]],
    ['has a number of more than 10 bytes', [0x08, ...Array<number>(11).fill(0xff)]],
    ['has a field of wire type 3', [0x0b]],
    ['has a field with number 0', [0x02, 0]],
  ])('are refused when it %s', (problem, bytes) => {
    expect(() => fields(Uint8Array.from(bytes))).toThrow(new ProtobufError(problem))
  })

  it('are found or refused in any bytes, never something else', () => {
    assert(
      property(uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          fields(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError)
        }
      }),
    )
  })
})
