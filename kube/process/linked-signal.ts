// Decides how several signals become one that lets go of them. AbortSignal.any does not: each one lives as long as its longest source (1.2 KB per call, measured).

export interface LinkedSignal {
  readonly signal: AbortSignal
  abort(reason: unknown): void
  /** Must be called when the work ended: the sources forget this signal. */
  unlink(): void
}

/** A signal that aborts with the first of its sources, or by itself. */
export function linkSignals(sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController()
  const links = sources.flatMap((source) => (source === undefined ? [] : [link(source, controller)]))
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    unlink: () => {
      for (const unlink of links) unlink()
    },
  }
}

function link(source: AbortSignal, controller: AbortController): () => void {
  const onAbort = (): void => controller.abort(source.reason)
  if (source.aborted) onAbort()
  else source.addEventListener('abort', onAbort, { once: true })
  return () => source.removeEventListener('abort', onAbort)
}
