import { array, assert, asyncProperty, nat, string } from 'fast-check'
import { linesOf } from './lines.ts'

async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (let index = 0; from < bytes.length; index += 1) {
    const size = Math.max(1, sizes[index % Math.max(1, sizes.length)] ?? 1)
    yield bytes.subarray(from, from + size)
    from += size
  }
}

async function collect(lines: AsyncIterable<string>): Promise<readonly string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(line)
  return all
}

describe('linesOf', () => {
  it('gives the same lines however the bytes are cut', async () => {
    await assert(
      asyncProperty(array(string({ unit: 'grapheme', minLength: 1 })), array(nat(9), { minLength: 1 }), async (texts, sizes) => {
        const lines = texts.map((text) => text.replaceAll('\n', ' '))
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''))
        expect(await collect(linesOf(chunked(bytes, sizes), 10_000))).toEqual(lines)
      }),
    )
  })

  it('drops an unfinished last line and empty ones', async () => {
    expect(await collect(linesOf(chunked(Buffer.from('a\n\n\nb\nhalf'), [3]), 100))).toEqual(['a', 'b'])
  })

  it.each([
    ['in one piece', 100],
    ['in pieces', 3],
  ])('gives up a line that is too long, %s', async (_, size) => {
    await expect(collect(linesOf(chunked(Buffer.from('0123456789\n'), [size]), 9))).rejects.toThrow('longer than 9 bytes')
    await expect(collect(linesOf(chunked(Buffer.from('0123456789\n'), [size]), 10))).resolves.toEqual(['0123456789'])
  })
})
