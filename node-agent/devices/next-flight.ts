// Decides how many askers share one slow reading: all that waited while another ran share the next. Never hands out what was read before the ask.

/** Runs `read` for every asker, at most one at a time; an asker never gets a reading that began before it asked. */
export function openNextFlight<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> | undefined
  let next: Promise<T> | undefined

  const take = (): Promise<T> => {
    next = undefined
    const flight = read()
    const settled = flight.then(
      () => undefined,
      () => undefined,
    )
    running = settled
    void settled.then(() => {
      if (running === settled) running = undefined
    })
    return flight
  }
  return () => {
    if (running === undefined) return take()
    next ??= running.then(take)
    return next
  }
}
