// The one error of the cluster tool: a sentence that names the cause and the remedy. Never decides what to do about it.

/** Thrown by everything in `e2e/cluster`. `message` is one or more sentences for the person at the terminal. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
}

/** The text of whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
