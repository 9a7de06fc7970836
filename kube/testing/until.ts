// Waits in tests for something that real sockets bring about; the bound only ends a test that would hang.

/** Resolves as soon as `holds` is true; rejects after `boundMs` with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, boundMs = 10_000): Promise<void> {
  const end = performance.now() + boundMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`)
    // A turn of the loop would do, but a test that waits for another process must leave it a processor.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Lets sockets and promises settle for some rounds of the event loop, to see that something does not happen. */
export async function rounds(count = 50): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}
