// Decides how bytes of the protobuf wire format become fields. Knows no message; never copies what it reads.

/** One field: its number and, by wire type, a view of its bytes or nothing that we use. */
export interface Field {
  readonly number: number
  /** Present for length-delimited fields (strings, bytes, messages). */
  readonly bytes?: Uint8Array
}

/** Bytes that are no protobuf message. */
export class ProtobufError extends Error {
  constructor(problem: string) {
    super(`the protobuf message ${problem}; its sender speaks another protocol or the message was cut`)
    this.name = 'ProtobufError'
  }
}

/** Longest varint of the format; our lengths and tags are shorter. */
const MAX_VARINT_BYTES = 10
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5]

/** The fields of a message in their order (protobuf.dev/programming-guides/encoding). Throws ProtobufError. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
  let at = 0
  while (at < message.length) {
    const tag = varint(message, at)
    const [number, wireType] = [Math.floor(tag.value / 8), tag.value % 8]
    if (number === 0) throw new ProtobufError('has a field with number 0')
    if (wireType === BYTES) {
      const length = varint(message, tag.end)
      at = end(message, length.end, length.value)
      yield { number, bytes: message.subarray(length.end, at) }
    } else {
      at = wireType === VARINT ? varint(message, tag.end).end : end(message, tag.end, fixedSize(wireType))
      yield { number }
    }
  }
}

/** Text of a field; wrong UTF-8 becomes replacement characters and so matches nothing. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

function fixedSize(wireType: number): number {
  if (wireType === FIXED64) return 8
  if (wireType === FIXED32) return 4
  throw new ProtobufError(`has a field of wire type ${wireType}`)
}

function end(message: Uint8Array, from: number, length: number): number {
  if (from + length > message.length) throw new ProtobufError('ends within a field')
  return from + length
}

/** Values beyond 2^53 lose digits; only tags and lengths are used, which are far smaller. */
function varint(message: Uint8Array, from: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
    const byte = message[from + index]
    if (byte === undefined) throw new ProtobufError('ends within a number')
    value += (byte % 128) * 128 ** index
    if (byte < 128) return { value, end: from + index + 1 }
  }
  throw new ProtobufError('has a number of more than 10 bytes')
}
