// Decides where one line of a stream ends, whatever the chunks; a line beyond the bound is an error, never unbounded memory.

/** A line that is longer than allowed. */
export class LineTooLongError extends Error {
  constructor(longest: number) {
    super(`a line of the stream is longer than ${longest} bytes; the stream is given up`)
    this.name = 'LineTooLongError'
  }
}

const newline = 0x0a

/** Yields complete lines as text, without empty ones. An unfinished last line is dropped: the sender was cut off. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, longest: number): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let held = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const last = chunk.subarray(from, end)
      if (held + last.length > longest) throw new LineTooLongError(longest)
      const line = held === 0 ? last : Buffer.concat([...parts, last])
      parts = []
      held = 0
      from = end + 1
      if (line.length > 0) yield Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8')
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from))
      held += chunk.length - from
      if (held > longest) throw new LineTooLongError(longest)
    }
  }
}
