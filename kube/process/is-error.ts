// Decides whether a thrown value is an Error, also when it comes from another realm (a test's sandbox, a worker), where instanceof fails.
import { types } from 'node:util'

/** True for errors of any realm. */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}
