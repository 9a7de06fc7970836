// Waits in tests for something that real sockets bring about; the bound only ends a test that would hang.

/** Resolves as soon as `holds` is true; rejects after `boundMs` with what was waited for. */
export async function until(what: string, holds: () => boolean, boundMs = 10_000): Promise<void> {
  const end = performance.now() + boundMs
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`)
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Lets sockets and promises settle for some rounds of the event loop, to see that something does not happen. */
export async function rounds(count = 50): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setImmediate(resolve))
  }
}
